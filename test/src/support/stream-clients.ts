import { type IncomingMessage, get } from 'node:http';
import { WebSocket } from 'ws';
import { Arrivals } from './arrivals.js';
import type { CloudEvent } from './cloud-event.js';
import { authorizationFor } from './keyring.js';

export interface StreamWish {
  types?: string;
  start?: 'now' | 'earliest';
  resume?: string;
}

/** A receiver of a stream: remembers the events in their order, the first of which says where the stream begins. */
export interface StreamClient {
  readonly events: Arrivals<CloudEvent>;
  /** The token to resume with after the last event. */
  readonly token: string;
  /** Resolves when the other end has closed. */
  readonly closed: Promise<void>;
  /** Stops reading: what comes waits in the network, and then at the sender. */
  pause(): void;
  resume(): void;
  close(): void;
}

function streamUrl(base: string, wish: StreamWish): URL {
  const url = new URL('/v1/stream', base);
  for (const [name, value] of Object.entries(wish)) url.searchParams.set(name, value as string);
  return url;
}

/** A WebSocket with the subprotocol `cloudevents.json`, open once the server agreed. */
export async function openWebSocket(gateway: string, wish: StreamWish = {}): Promise<StreamClient> {
  const url = streamUrl(gateway, wish);
  url.protocol = 'ws:';
  const socket = new WebSocket(url, 'cloudevents.json', {
    perMessageDeflate: false,
    headers: await authorizationFor(gateway),
  });
  const events = new Arrivals<CloudEvent>();
  let token = '';
  socket.on('message', (text: Buffer) => {
    const event = JSON.parse(text.toString()) as CloudEvent;
    token = event.resumetoken ?? token;
    events.add(event);
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.on('error', () => undefined);
  return {
    events,
    get token() {
      return token;
    },
    closed,
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => socket.terminate(),
  };
}

/** Server-sent events, open once the server answered. `lastEventId` is what a browser sends when it comes back. */
export async function openSse(gateway: string, wish: StreamWish = {}, lastEventId?: string): Promise<StreamClient> {
  const who = await authorizationFor(gateway);
  const headers = lastEventId === undefined ? who : { ...who, 'last-event-id': lastEventId };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(streamUrl(gateway, wish), { headers, agent: false }, resolve).once('error', reject);
  });
  if (response.statusCode !== 200) throw new Error(`The stream was answered ${response.statusCode}.`);
  const events = new Arrivals<CloudEvent>();
  let token = '';
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line) => [line.split(':', 1)[0] ?? '', line.replace(/^\w*: ?/, '')]),
      );
      const data = fields.get('data');
      if (data === undefined) continue;
      token = fields.get('id') ?? token;
      events.add(JSON.parse(data) as CloudEvent);
    }
  });
  response.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => response.once('close', () => resolve()));
  return {
    events,
    get token() {
      return token;
    },
    closed,
    pause: () => response.socket.pause(),
    resume: () => response.socket.resume(),
    close: () => response.destroy(),
  };
}

/** What follows the event that says where the stream begins. */
export function afterOpened({ events }: StreamClient): CloudEvent[] {
  return events.all.slice(1);
}
