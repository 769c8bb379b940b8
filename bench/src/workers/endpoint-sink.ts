import { type AddressInfo, type Socket, createServer } from 'node:net';
import { ArrivalLog, type Arrived, type Expectation } from '../arrival-log.js';
import { nowMicros } from '../latencies.js';
import { RequestReader } from '../request-reader.js';
import { readId } from '../sample-event.js';
import { answer } from './answer.js';

/** How endpoints answer, from one number to another (exclusive). */
export interface Manners {
  from: number;
  to: number;
  /** Milliseconds until the answer; never when negative. */
  delayMs: number;
  status: number;
}

export type EndpointSink = {
  /** Resolves with the URL; the endpoints are the numbers behind it. */
  listen(input: undefined): Promise<string>;
  /** Forgets what came so far. */
  begin(expected: Expectation): void;
  /** Those that are not named answer 204 at once. */
  behave(manners: Manners[]): void;
  /** Resolves when so many different deliveries came since `begin`, to a group or to all, or after the time given. */
  until(expected: { deliveries: number; group?: 0 | 1; timeoutMs: number }): Promise<Arrived>;
  /** How many came first within a time. */
  between(times: { fromMicros: number; toMicros: number }): number;
};

const DONE = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n');

let log = new ArrivalLog({ events: 0, copies: 1, keys: 1 });
let manners: Manners[] = [];
let wanted = Infinity;
let wantedOf: 0 | 1 | undefined;
let onWanted: () => void = () => undefined;

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  const reader = new RequestReader(({ endpoint, idAt, head, bodyBytes }) => {
    const own = manners.length === 0 ? undefined : manners.find(({ from, to }) => endpoint >= from && endpoint < to);
    if (own !== undefined) {
      later(socket, own);
      // What is refused is no delivery.
      if (own.status >= 300) return;
    } else socket.write(DONE);
    if (idAt < 0) return;
    log.add(nowMicros(), endpoint, readId(head, idAt), bodyBytes);
    if (log.count(wantedOf) >= wanted) onWanted();
  });
  socket.on('data', (piece) => reader.feed(piece));
});

function later(socket: Socket, { delayMs, status }: Manners): void {
  if (delayMs < 0) return;
  const text = `HTTP/1.1 ${status} Sink\r\ncontent-length: 0\r\n\r\n`;
  setTimeout(() => {
    if (!socket.destroyed) socket.write(text);
  }, delayMs);
}

answer({
  listen: () =>
    new Promise((resolve) => {
      server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
        resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
      );
    }),
  begin(expected) {
    log = new ArrivalLog(expected);
  },
  behave(wish) {
    manners = wish;
  },
  async until({ deliveries, group, timeoutMs }) {
    wanted = deliveries;
    wantedOf = group;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      onWanted = () => {
        clearTimeout(timer);
        resolve();
      };
      if (log.count(wantedOf) >= wanted) onWanted();
    });
    wanted = Infinity;
    return log.arrived;
  },
  between: ({ fromMicros, toMicros }) => log.between(fromMicros, toMicros),
} satisfies EndpointSink);
