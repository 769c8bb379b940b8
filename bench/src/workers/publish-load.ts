import { connect, type Socket } from 'node:net';
import { AnswerReader } from '../answer-reader.js';
import { type HttpDoor, authorizationLine } from '../http-door.js';
import { Latencies, nowMicros } from '../latencies.js';
import { paced } from '../pace.js';
import { EVENT_TYPE, eventTemplate, writeId, writeKey } from '../sample-event.js';
import { zipfDraws } from '../zipf.js';
import { answer } from './answer.js';

export interface Target extends HttpDoor {
  connections: number;
  /** Bytes of an event as structured JSON. */
  eventBytes: number;
  /** Events in a request; one is published as itself, more as a batch. */
  perRequest: number;
  keys: number;
  /** Which door is published at; `/v1/events` when left out. */
  at?: keyof typeof DOORS;
  /** How keys are drawn: one after the other when left out, or a few often and most seldom (Zipf, exponent 1). */
  draw?: 'in turn' | 'zipf';
}

export interface Load {
  seconds: number;
  /** Requests a second, started whatever becomes of earlier ones; without it, each connection asks as fast as it is answered. */
  perSecond?: number;
}

export interface LoadResult {
  /** By the clock that all processes share. */
  begunMicros: number;
  /** Requests answered with 202, or as the door says that it has taken one. */
  accepted: number;
  /** Statuses of the others. */
  refused: Record<string, number>;
  seconds: number;
  latencies: string;
}

export type PublishLoad = {
  open(target: Target): Promise<void>;
  load(load: Load): Promise<LoadResult>;
  close(): void;
};

const MESSAGING_HEAD = 'x-qos: 1\r\n';
/** Where an event is published, beside the head that all requests have, and what says that it was taken. */
const DOORS = {
  events: { path: '/v1/events', head: '', contentType: undefined, accepted: 202 },
  typeTopic: {
    path: `/messagingrest/v1/topics/${encodeURIComponent(`default/heddle/s4/ce/${EVENT_TYPE.replaceAll('.', '/')}`)}/messages`,
    head: MESSAGING_HEAD,
    contentType: undefined,
    accepted: 204,
  },
  rawTopic: {
    path: `/messagingrest/v1/topics/${encodeURIComponent('bench/raw/topic/made')}/messages`,
    head: MESSAGING_HEAD,
    contentType: 'application/octet-stream',
    accepted: 204,
  },
} as const;
const readBuffer = Buffer.alloc(256 * 1024);

/** One keep-alive connection with one request at a time; the bytes of the request stay, id and key are written over. */
class Connection {
  readonly #request: Buffer;
  readonly #slots: { idAt: number; keyAt: number }[] = [];
  readonly #reader = new AnswerReader((status) => this.onAnswer(status));
  #socket: Socket | undefined;
  startedAt = 0;
  readonly accepted: number;
  onAnswer: (status: number) => void = () => undefined;

  constructor(private readonly target: Target) {
    const { json, idAt, keyAt } = eventTemplate(target.eventBytes);
    const isBatch = target.perRequest > 1;
    const body = isBatch
      ? Buffer.from(`[${Array.from({ length: target.perRequest }, () => json.toString()).join(',')}]`)
      : json;
    const door = DOORS[target.at ?? 'events'];
    this.accepted = door.accepted;
    const contentType = door.contentType ?? `application/cloudevents${isBatch ? '-batch' : ''}+json`;
    const head = Buffer.from(
      `POST ${door.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${contentType}\r\n${door.head}` +
        `${authorizationLine(target)}content-length: ${body.length}\r\n\r\n`,
    );
    this.#request = Buffer.concat([head, body]);
    for (let index = 0; index < target.perRequest; index += 1) {
      const begin = head.length + (isBatch ? 1 + index * (json.length + 1) : 0);
      this.#slots.push({ idAt: begin + idAt, keyAt: begin + keyAt });
    }
  }

  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const onread = {
        buffer: readBuffer,
        callback: (bytes: number) => {
          this.#reader.feed(readBuffer, bytes);
          return true;
        },
      };
      this.#socket = connect({ host: '127.0.0.1', port: this.target.port, noDelay: true, onread }, resolve);
      this.#socket.on('error', reject);
    });
  }

  send(startedAt: number): void {
    this.startedAt = startedAt;
    for (const { idAt, keyAt } of this.#slots) {
      writeId(this.#request, idAt, startedAt, nextNumber);
      writeKey(this.#request, keyAt, draws[nextNumber % draws.length] ?? 0);
      nextNumber += 1;
    }
    this.#socket?.write(this.#request);
  }

  close(): void {
    this.#socket?.destroy();
  }
}

let connections: Connection[] = [];
/** The keys of the events, in turn. */
let draws: Uint32Array = new Uint32Array(1);
/** Each load begins anew with the first event; the time in the ids makes them others. */
let nextNumber = 0;

async function load({ seconds, perSecond }: Load): Promise<LoadResult> {
  const latencies = new Latencies();
  const refused: Record<string, number> = {};
  let accepted = 0;
  nextNumber = 0;
  const begun = nowMicros();
  const idle = [...connections];
  const waiting: number[] = [];
  let isAllStarted = perSecond === undefined;
  const allIdle = Promise.withResolvers<void>();
  for (const connection of connections) {
    connection.onAnswer = (status) => {
      const now = nowMicros();
      latencies.record(now - connection.startedAt);
      if (status === connection.accepted) accepted += 1;
      else refused[status] = (refused[status] ?? 0) + 1;
      const since = waiting.shift();
      if (since !== undefined) connection.send(since);
      else if (perSecond === undefined && now - begun < seconds * 1_000_000) connection.send(now);
      else if (idle.push(connection) === connections.length && isAllStarted) allIdle.resolve();
    };
  }
  if (perSecond === undefined) {
    for (const connection of idle.splice(0)) connection.send(nowMicros());
  } else {
    await paced(perSecond, seconds, () => {
      const connection = idle.shift();
      // Without a free connection, the request waits, and that time is part of its latency.
      if (connection === undefined) waiting.push(nowMicros());
      else connection.send(nowMicros());
    });
    isAllStarted = true;
    if (idle.length === connections.length) allIdle.resolve();
  }
  await allIdle.promise;
  return {
    begunMicros: begun,
    accepted,
    refused,
    seconds: (nowMicros() - begun) / 1_000_000,
    latencies: latencies.encoded(),
  };
}

answer({
  async open(target: Target) {
    draws =
      target.draw === 'zipf' ? zipfDraws(target.keys) : Uint32Array.from({ length: target.keys }, (_, key) => key);
    connections = Array.from({ length: target.connections }, () => new Connection(target));
    await Promise.all(connections.map((connection) => connection.open()));
  },
  load,
  close() {
    for (const connection of connections) connection.close();
    connections = [];
  },
} satisfies PublishLoad);
