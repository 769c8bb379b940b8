import { type Socket, connect } from 'node:net';
import { AnswerReader } from '../answer-reader.js';
import { type HttpDoor, authorizationLine } from '../http-door.js';
import { Latencies, nowMicros } from '../latencies.js';
import { acceptedIn, leasesIn, settlementsText } from '../lease-scan.js';
import { answer } from './answer.js';

export interface PullWork extends HttpDoor {
  queue: string;
  connections: number;
  /** Deliveries of one request. */
  perRequest: number;
  /** It is done when so many are settled. */
  events: number;
  timeoutMs: number;
}

export interface Settled {
  settled: number;
  /** Leases whose settlement was answered with a code. */
  refused: number;
  seconds: number;
  /** Of a request that settles. */
  latencies: string;
}

export type QueuePull = {
  /** Receives and settles over and over on every connection. */
  work(options: PullWork): Promise<Settled>;
};

const readBuffer = Buffer.alloc(1024 * 1024);

async function work(options: PullWork): Promise<Settled> {
  const { port, connections, perRequest, events, timeoutMs } = options;
  const latencies = new Latencies();
  const done = Promise.withResolvers<void>();
  const begun = nowMicros();
  const receive = Buffer.from(request(options, 'receive', `{"max":${perRequest},"waitMs":1000}`));
  let settled = 0;
  let refused = 0;
  let endedAt = begun;
  const sockets: Socket[] = [];
  const timer = setTimeout(done.resolve, timeoutMs);
  for (let index = 0; index < connections; index += 1) {
    let settling = 0;
    let settlingAt = 0;
    const reader = new AnswerReader((status, body = Buffer.alloc(0)) => {
      if (status !== 200) {
        done.reject(new Error(`Answered ${status}: ${body.toString('utf8', 0, 500)}`));
        return;
      }
      if (settling > 0) {
        endedAt = nowMicros();
        latencies.record(endedAt - settlingAt);
        const accepted = acceptedIn(body);
        settled += accepted;
        refused += settling - accepted;
        settling = 0;
        if (settled >= events) done.resolve();
        socket.write(receive);
        return;
      }
      const leases = leasesIn(body);
      settling = leases.length;
      settlingAt = nowMicros();
      socket.write(settling === 0 ? receive : request(options, 'settle', `{${settlementsText(leases)}}`));
    }, true);
    const callback = (bytes: number): boolean => {
      reader.feed(readBuffer, bytes);
      return true;
    };
    const onread = { buffer: readBuffer, callback };
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, onread }, () => socket.write(receive));
    socket.on('error', done.reject);
    sockets.push(socket);
  }
  try {
    await done.promise;
  } finally {
    clearTimeout(timer);
    for (const socket of sockets) socket.destroy();
  }
  return { settled, refused, seconds: (endedAt - begun) / 1_000_000, latencies: latencies.encoded() };
}

function request(to: PullWork, verb: string, body: string): string {
  return (
    `POST /v1/queues/${to.queue}/${verb} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
    `${authorizationLine(to)}content-length: ${body.length}\r\n\r\n${body}`
  );
}

answer({ work } satisfies QueuePull);
