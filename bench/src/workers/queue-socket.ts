import { type Socket, connect } from 'node:net';
import { FrameReader } from '../frame-reader.js';
import { type HttpDoor, authorizationLine } from '../http-door.js';
import { Latencies, nowMicros } from '../latencies.js';
import { acceptedIn, leasesIn, settlementsText } from '../lease-scan.js';
import { answer } from './answer.js';
import type { Settled } from './queue-pull.js';

export interface SocketWork extends HttpDoor {
  queue: string;
  connections: number;
  /** Deliveries in flight on each connection. */
  credit: number;
  /** It is done when so many are settled. */
  events: number;
  timeoutMs: number;
}

export type QueueSocket = {
  /** Settles whatever comes, and asks for as many again. */
  work(options: SocketWork): Promise<Settled>;
};

/** Settlements of one frame, at most; what comes in one turn of the loop travels together. */
const SETTLED_AT_ONCE = 1000;
const readBuffer = Buffer.alloc(1024 * 1024);

async function work(options: SocketWork): Promise<Settled> {
  const { connections, events, timeoutMs } = options;
  const latencies = new Latencies();
  const done = Promise.withResolvers<void>();
  const begun = nowMicros();
  const total = { settled: 0, refused: 0, endedAt: begun };
  const timer = setTimeout(done.resolve, timeoutMs);
  const sockets = Array.from({ length: connections }, () =>
    openOne(options, done.reject, (accepted, refused, micros) => {
      total.settled += accepted;
      total.refused += refused;
      total.endedAt = nowMicros();
      latencies.record(micros);
      if (total.settled >= events) done.resolve();
    }),
  );
  try {
    await done.promise;
  } finally {
    clearTimeout(timer);
    for (const socket of sockets) socket.destroy();
  }
  const { settled, refused, endedAt } = total;
  return { settled, refused, seconds: (endedAt - begun) / 1_000_000, latencies: latencies.encoded() };
}

function openOne(
  options: SocketWork,
  onError: (error: Error) => void,
  onSettled: (accepted: number, refused: number, micros: number) => void,
): Socket {
  const { port, queue, credit } = options;
  let head: string | undefined = '';
  let leases: string[] = [];
  /** What is being settled, oldest first: answers come in that order. */
  const settling: { count: number; at: number }[] = [];
  const settle = (): void => {
    while (leases.length > 0) {
      const some = leases.splice(0, SETTLED_AT_ONCE);
      settling.push({ count: some.length, at: nowMicros() });
      socket.write(frame(`{"kind":"settle",${settlementsText(some)}}`));
    }
  };
  const reader = new FrameReader(
    {
      onText: (payload = Buffer.alloc(0)) => {
        const kind = payload.toString('latin1', 9, 19);
        if (kind.startsWith('deliveries')) {
          if (leases.length === 0) setImmediate(settle);
          leases = leases.concat(leasesIn(payload));
        } else if (kind.startsWith('settled')) {
          const { count, at } = settling.shift() ?? { count: 0, at: 0 };
          const accepted = acceptedIn(payload);
          onSettled(accepted, count - accepted, nowMicros() - at);
          socket.write(frame(`{"kind":"credit","add":${count}}`));
        } else if (kind.startsWith('ready')) {
          socket.write(frame(`{"kind":"credit","add":${credit}}`));
        } else onError(new Error(`Told: ${payload.toString('utf8', 0, 500)}`));
      },
    },
    true,
  );
  const callback = (size: number): boolean => {
    if (head === undefined) {
      reader.feed(readBuffer, size);
      return true;
    }
    head += readBuffer.toString('latin1', 0, size);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return true;
    if (!head.startsWith('HTTP/1.1 101')) onError(new Error(`The WebSocket was refused: ${head.slice(0, 300)}`));
    const rest = Buffer.from(head.slice(end + 4), 'latin1');
    head = undefined;
    socket.write(frame('{"kind":"hello","batch":200}'));
    reader.feed(rest, rest.length);
    return true;
  };
  const onread = { buffer: readBuffer, callback };
  const socket = connect({ host: '127.0.0.1', port, noDelay: true, onread }, () =>
    socket.write(
      `GET /v1/queues/${queue}/connect HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
        `${authorizationLine(options)}sec-websocket-version: 13\r\nsec-websocket-key: aGVkZGxlLWJlbmNoLWtleQ==\r\nsec-websocket-protocol: heddle.v1\r\n\r\n`,
    ),
  );
  socket.on('error', onError);
  return socket;
}

/** A text frame of a client. Its mask is zero, which leaves the text as it is (RFC 6455 §5.3). */
function frame(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const head = bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10;
  const whole = Buffer.alloc(head + 4 + bytes);
  whole[0] = 0x81;
  whole[1] = 0x80 | (head === 2 ? bytes : head === 4 ? 126 : 127);
  if (head === 4) whole.writeUInt16BE(bytes, 2);
  else if (head === 10) whole.writeBigUInt64BE(BigInt(bytes), 2);
  whole.write(text, head + 4);
  return whole;
}

answer({ work } satisfies QueueSocket);
