import { type Socket, connect } from 'node:net';
import { FrameReader } from '../frame-reader.js';
import { type HttpDoor, authorizationLine } from '../http-door.js';
import { nowMicros } from '../latencies.js';
import { readId } from '../sample-event.js';
import { answer } from './answer.js';

export interface StreamTarget extends HttpDoor {
  path: string;
  sockets: number;
  /** Numbers of events are below this. */
  events: number;
}

export interface Recovery {
  droppedMicros: number;
  /** When the last of them was open again. */
  openMicros: number;
}

export interface Missed {
  /** Deliveries that came, and those that should have, at all sockets together. */
  came: number;
  lost: number;
  duplicates: number;
  /** When the last socket had the last of the events that were made before a time. */
  wholeMicros: number;
}

export type StreamReceivers = {
  /** Resolves when each has had its first message, which says that it is open. */
  open(target: StreamTarget): Promise<void>;
  /** Drops every connection at once, and opens each again with its last token. */
  drop(input: undefined): Promise<Recovery>;
  /** Resolves when every socket had every event, or after the time given. */
  until(expected: { events: number; madeBefore: number; timeoutMs: number }): Promise<Missed>;
};

/** How many connections are being opened at a time: no more than a listening server keeps waiting. */
const OPENING = 250;
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
/** Where the id stands in a message, and the token at its end. */
const ID_AT = '{"specversion":"1.0","id":"'.length;
const TOKEN = Buffer.from('"resumetoken":"');
const TOKEN_END = '"}'.length;

const readBuffer = Buffer.alloc(1024 * 1024);

/** One receiver over all its connections. */
class Receiver {
  readonly seen: Uint8Array;
  token = '';
  socket: Socket | undefined;

  constructor(readonly target: StreamTarget) {
    this.seen = new Uint8Array(target.events);
  }

  open(): Promise<void> {
    const { port, path } = this.target;
    return new Promise((resolve, reject) => {
      let head: string | undefined = '';
      let isOpen = false;
      const reader = new FrameReader(
        {
          onText: (payload = Buffer.alloc(0)) => {
            const at = payload.lastIndexOf(TOKEN) + TOKEN.length;
            this.token = payload.toString('latin1', at, payload.length - TOKEN_END);
            if (isOpen) {
              took(this, payload);
              return;
            }
            isOpen = true;
            resolve();
          },
          onPing: () => socket.write(PONG),
          onClose: () => reject(new Error('The gateway closed a stream.')),
        },
        true,
      );
      const callback = (size: number): boolean => {
        // What is read after a drop is not had.
        if (this.socket !== socket) return true;
        if (head === undefined) {
          reader.feed(readBuffer, size);
          return true;
        }
        head += readBuffer.toString('latin1', 0, size);
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return true;
        if (!head.startsWith('HTTP/1.1 101')) reject(new Error(`The WebSocket was refused: ${head.slice(0, 300)}`));
        const rest = Buffer.from(head.slice(end + 4), 'latin1');
        head = undefined;
        reader.feed(rest, rest.length);
        return true;
      };
      const onread = { buffer: readBuffer, callback };
      const resumed = this.token === '' ? path : `${path}&resume=${encodeURIComponent(this.token)}`;
      const socket = connect({ host: '127.0.0.1', port, noDelay: true, onread }, () =>
        socket.write(upgrade(resumed, this.target)),
      );
      socket.on('error', reject);
      this.socket = socket;
    });
  }
}

let receivers: Receiver[] = [];
/** When each event was made, and when the last receiver so far had it. */
let madeAt = new Float64Array();
let lastHadAt = new Float64Array();
let came = 0;
let duplicates = 0;
let wanted = Infinity;
let onWanted: () => void = () => undefined;

function took(receiver: Receiver, payload: Buffer): void {
  const { number, micros } = readId(payload, ID_AT);
  if (!(number >= 0 && number < receiver.seen.length)) return;
  if (receiver.seen[number] === 1) {
    duplicates += 1;
    return;
  }
  receiver.seen[number] = 1;
  madeAt[number] = micros;
  lastHadAt[number] = nowMicros();
  came += 1;
  if (came >= wanted) onWanted();
}

async function openAll(): Promise<void> {
  let next = 0;
  const openNext = async (): Promise<void> => {
    while (next < receivers.length) await receivers[next++]?.open();
  };
  await Promise.all(Array.from({ length: OPENING }, openNext));
}

function upgrade(path: string, door: HttpDoor): string {
  return (
    `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
    `${authorizationLine(door)}sec-websocket-version: 13\r\nsec-websocket-key: aGVkZGxlLWJlbmNoLWtleQ==\r\nsec-websocket-protocol: cloudevents.json\r\n\r\n`
  );
}

answer(
  {
    async open(target) {
      receivers = Array.from({ length: target.sockets }, () => new Receiver(target));
      madeAt = new Float64Array(target.events);
      lastHadAt = new Float64Array(target.events);
      came = 0;
      duplicates = 0;
      await openAll();
    },
    async drop() {
      const droppedMicros = nowMicros();
      for (const receiver of receivers) {
        receiver.socket?.destroy();
        receiver.socket = undefined;
      }
      await openAll();
      return { droppedMicros, openMicros: nowMicros() };
    },
    async until({ events, madeBefore, timeoutMs }) {
      wanted = events * receivers.length;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        onWanted = () => {
          clearTimeout(timer);
          resolve();
        };
        if (came >= wanted) onWanted();
      });
      const lost = wanted - came;
      wanted = Infinity;
      const wholeMicros = lastHadAt.reduce((last, at, number) => {
        return (madeAt[number] ?? 0) <= madeBefore ? Math.max(last, at) : last;
      }, 0);
      return { came, lost, duplicates, wholeMicros };
    },
  } satisfies StreamReceivers,
  () => {
    for (const { socket } of receivers) socket?.destroy();
  },
);
