import { connect, type Socket } from 'node:net';
import { FrameReader } from '../frame-reader.js';
import { type HttpDoor, authorizationLine } from '../http-door.js';
import { Latencies, nowMicros } from '../latencies.js';
import { answer } from './answer.js';

export interface SinkTarget extends HttpDoor {
  path: string;
  sockets: number;
  /** Of so many sockets, one looks at every message and records how long it took. */
  sampleEvery: number;
}

export interface Received {
  messages: number;
  bytes: number;
  /** Connections that ended before they were told to. */
  cut: number;
  latencies: string;
}

export type WebsocketSinks = {
  /** Resolves when each socket has had its first message, which says that it is open. */
  open(target: SinkTarget): Promise<void>;
  /** Forgets what came so far. */
  begin(): void;
  /** Resolves when so many messages came since `begin`, or after the time given. */
  until(expected: { messages: number; timeoutMs: number }): Promise<Received>;
  /** When keys are recorded: microseconds of arrival by business key. */
  arrivals(): Record<string, number>;
  close(): void;
};

/** How many connections are being opened at a time: no more than a listening server keeps waiting. */
const OPENING = 100;
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
/** The id stands at the beginning of a message and begins with the microseconds of its append. */
const STAMP = /^\{"specversion":"1\.0","id":"(\d{16})-/;
const STAMP_BYTES = 64;
const SUBJECT = /"subject":"([^"]*)"/;

const readBuffer = Buffer.alloc(1024 * 1024);
let sockets: Socket[] = [];
let messages = 0;
let bytes = 0;
let cut = 0;
let latencies = new Latencies();
let arrivals: Record<string, number> = {};
let wanted = Infinity;
let onWanted: () => void = () => undefined;

async function open(target: SinkTarget): Promise<void> {
  const { sockets: count, sampleEvery } = target;
  let next = 0;
  const openNext = async (): Promise<void> => {
    while (next < count) {
      const isSampled = next++ % sampleEvery === 0;
      await openOne(target, isSampled);
    }
  };
  await Promise.all(Array.from({ length: OPENING }, openNext));
}

function openOne(target: SinkTarget, isSampled: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let head: string | undefined = '';
    let isOpen = false;
    const reader = new FrameReader(
      {
        onText: (payload) => {
          if (!isOpen) {
            isOpen = true;
            resolve();
            return;
          }
          messages += 1;
          if (payload !== undefined) record(payload);
        },
        onPing: () => socket.write(PONG),
      },
      isSampled,
    );
    const callback = (size: number): boolean => {
      bytes += size;
      if (head === undefined) reader.feed(readBuffer, size);
      else head = afterHead(head + readBuffer.toString('latin1', 0, size), reader, reject);
      if (messages >= wanted) onWanted();
      return true;
    };
    const socket = connect(
      { host: '127.0.0.1', port: target.port, noDelay: true, onread: { buffer: readBuffer, callback } },
      () => socket.write(upgrade(target.path, target)),
    );
    socket.on('error', reject);
    socket.on('close', () => (cut += 1));
    sockets.push(socket);
  });
}

/** Returns nothing once the head is complete; frames that came right behind it are read. */
function afterHead(head: string, reader: FrameReader, reject: (error: Error) => void): string | undefined {
  const end = head.indexOf('\r\n\r\n');
  if (end < 0) return head;
  if (!head.startsWith('HTTP/1.1 101')) reject(new Error(`The WebSocket was refused: ${head.slice(0, 300)}`));
  const rest = Buffer.from(head.slice(end + 4), 'latin1');
  reader.feed(rest, rest.length);
  return undefined;
}

function record(payload: Buffer): void {
  const now = nowMicros();
  const stamp = STAMP.exec(payload.toString('latin1', 0, STAMP_BYTES))?.[1];
  if (stamp !== undefined) {
    latencies.record(now - Number(stamp));
    return;
  }
  const key = SUBJECT.exec(payload.toString())?.[1];
  if (key !== undefined) arrivals[key] ??= now;
}

function upgrade(path: string, door: HttpDoor): string {
  return (
    `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
    `${authorizationLine(door)}sec-websocket-version: 13\r\nsec-websocket-key: aGVkZGxlLWJlbmNoLWtleQ==\r\nsec-websocket-protocol: cloudevents.json\r\n\r\n`
  );
}

answer({
  open,
  begin() {
    messages = 0;
    bytes = 0;
    cut = 0;
    latencies = new Latencies();
    arrivals = {};
  },
  async until({ messages: expected, timeoutMs }) {
    wanted = expected;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      onWanted = () => {
        clearTimeout(timer);
        resolve();
      };
      if (messages >= wanted) onWanted();
    });
    wanted = Infinity;
    return { messages, bytes, cut, latencies: latencies.encoded() };
  },
  arrivals: () => arrivals,
  close() {
    for (const socket of sockets) socket.destroy();
    sockets = [];
  },
} satisfies WebsocketSinks);
