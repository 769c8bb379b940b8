import { type Socket, connect } from 'node:net';
import { authorizationLine } from '../http-door.js';
import { Latencies, nowMicros } from '../latencies.js';
import { answer } from './answer.js';

/** Where MQTT is spoken: over WebSocket with a bearer, or over TCP to whoever lets everybody in. */
export interface MqttPlace {
  port: number;
  /** The value of the authorization header; empty over TCP. */
  authorization: string;
  overWebSocket: boolean;
}

export interface PublishWork extends MqttPlace {
  connections: number;
  /** Messages without their PUBACK at once, on each connection. */
  window: number;
  seconds: number;
  bytes: number;
}

export interface ReceiveWork extends MqttPlace {
  connections: number;
  filter: string;
  /** It is done when so many have come and are acknowledged. */
  events: number;
  timeoutMs: number;
}

export interface Done {
  count: number;
  seconds: number;
  latencies: string;
}

export type MqttLoad = {
  /** Publishes with QoS 1 for so long; counts what was acknowledged. */
  publish(work: PublishWork): Promise<Done>;
  /** Acknowledges whatever comes. */
  receive(work: ReceiveWork): Promise<Done>;
};

type OnPacket = (type: number, body: Buffer, qos: number) => void;

const TYPES = { connack: 2, publish: 3, puback: 4, suback: 9 } as const;
const CLEAN = 0x02;

/** MQTT 3.1.1 on one connection, as little of it as a load needs. */
class Line {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #head: string | undefined;
  #packets: Buffer = Buffer.alloc(0);

  constructor(
    private readonly place: MqttPlace,
    private readonly onPacket: OnPacket,
    onError: (error: Error) => void,
  ) {
    this.#head = place.overWebSocket ? '' : undefined;
    this.#socket = connect({ host: '127.0.0.1', port: place.port, noDelay: true }, () => {
      if (place.overWebSocket) this.#socket.write(upgradeOf(place));
      else this.hello();
    });
    this.#socket.on('error', onError);
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  hello(): void {
    this.write(packet(0x10, Buffer.concat([text('MQTT'), Buffer.from([4, CLEAN, 0, 0]), text('')])));
  }

  write(packets: Buffer): void {
    this.#socket.write(this.place.overWebSocket ? Buffer.concat([clientHead(packets.length), packets]) : packets);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#head !== undefined) {
      this.#head += chunk.toString('latin1');
      const end = this.#head.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!this.#head.startsWith('HTTP/1.1 101')) throw new Error(`Refused: ${this.#head.slice(0, 300)}`);
      chunk = Buffer.from(this.#head.slice(end + 4), 'latin1');
      this.#head = undefined;
      this.hello();
    }
    if (!this.place.overWebSocket) return this.#take(chunk);
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    let at = 0;
    for (;;) {
      const frame = serverFrame(this.#bytes, at);
      if (frame === undefined) break;
      // Pings have nothing in them for us.
      if ((this.#bytes[at]! & 0x0f) === 2) this.#take(this.#bytes.subarray(frame.from, frame.end));
      at = frame.end;
    }
    this.#bytes = this.#bytes.subarray(at);
    return undefined;
  }

  #take(bytes: Buffer): void {
    const all = this.#packets.length === 0 ? bytes : Buffer.concat([this.#packets, bytes]);
    let at = 0;
    while (at + 2 <= all.length) {
      let [length, size] = [0, 0];
      for (let byte = 0x80; (byte & 0x80) !== 0 && at + size + 1 < all.length;) {
        size += 1;
        byte = all[at + size]!;
        length += (byte & 0x7f) * 0x80 ** (size - 1);
      }
      const from = at + 1 + size;
      if (from + length > all.length) break;
      this.onPacket(all[at]! >> 4, all.subarray(from, from + length), (all[at]! >> 1) & 3);
      at = from + length;
    }
    this.#packets = Buffer.from(all.subarray(at));
  }
}

async function publish({ connections, window, seconds, bytes, ...place }: PublishWork): Promise<Done> {
  const latencies = new Latencies();
  const failed = Promise.withResolvers<never>();
  let count = 0;
  // Set behind the back of the loops below.
  const run = { isOver: false };
  const begun = nowMicros();
  const lines = Array.from({ length: connections }, (_, number) => {
    const topic = text(`bench/load/${number}`);
    const payload = Buffer.alloc(bytes, 0x78);
    const sentAt = new Float64Array(65_536);
    let [next, open] = [0, 0];
    const fill = (): void => {
      const some: Buffer[] = [];
      for (; open < window && !run.isOver; open += 1) {
        next = (next % 65_535) + 1;
        sentAt[next] = nowMicros();
        some.push(packet(0x32, Buffer.concat([topic, Buffer.from([next >> 8, next & 0xff]), payload])));
      }
      if (some.length > 0) line.write(Buffer.concat(some));
    };
    let isDue = false;
    const line: Line = new Line(
      place,
      (type, body) => {
        if (type === TYPES.puback) {
          count += 1;
          open -= 1;
          latencies.record(nowMicros() - sentAt[body.readUInt16BE(0)]!);
        } else if (type !== TYPES.connack || body[1] !== 0) return failed.reject(new Error(`Told ${type}.`));
        if (isDue) return undefined;
        isDue = true;
        setImmediate(() => {
          isDue = false;
          fill();
        });
        return undefined;
      },
      failed.reject,
    );
    return line;
  });
  const end = new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  await Promise.race([end, failed.promise]);
  const done = { count, seconds: (nowMicros() - begun) / 1_000_000, latencies: latencies.encoded() };
  run.isOver = true;
  for (const line of lines) line.close();
  return done;
}

async function receive({ connections, filter, events, timeoutMs, ...place }: ReceiveWork): Promise<Done> {
  const done = Promise.withResolvers<void>();
  let [count, begun, endedAt] = [0, 0, 0];
  const lines = Array.from({ length: connections }, () => {
    let acks: Buffer[] = [];
    const line: Line = new Line(
      place,
      (type, body, qos) => {
        if (type === TYPES.connack) {
          begun ||= nowMicros();
          const wish = Buffer.concat([Buffer.from([0, 1]), text(filter), Buffer.from([1])]);
          line.write(packet(0x82, wish));
        } else if (type === TYPES.publish && qos === 1) {
          const at = 2 + body.readUInt16BE(0);
          if (acks.length === 0) {
            setImmediate(() => {
              line.write(Buffer.concat(acks));
              acks = [];
            });
          }
          acks.push(Buffer.from([0x40, 2, body[at]!, body[at + 1]!]));
          count += 1;
          endedAt = nowMicros();
          if (count >= events) setTimeout(done.resolve, 50);
        } else if (type === TYPES.suback && body[2] !== 1) done.reject(new Error(`SUBACK ${body[2]}`));
      },
      done.reject,
    );
    return line;
  });
  const timer = setTimeout(done.resolve, timeoutMs);
  await done.promise;
  clearTimeout(timer);
  for (const line of lines) line.close();
  return { count, seconds: (endedAt - begun) / 1_000_000, latencies: new Latencies().encoded() };
}

function packet(first: number, body: Buffer): Buffer {
  const length: number[] = [];
  let left = body.length;
  do {
    length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    left >>= 7;
  } while (left > 0);
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

function upgradeOf(place: MqttPlace): string {
  return (
    `GET /protocols/mqtt311ws HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
    `${authorizationLine(place)}sec-websocket-version: 13\r\nsec-websocket-key: aGVkZGxlLWJlbmNoLWtleQ==\r\nsec-websocket-protocol: mqtt\r\n\r\n`
  );
}

/** The head of a binary frame of a client. Its mask is zero, which leaves the bytes as they are (RFC 6455 §5.3). */
function clientHead(length: number): Buffer {
  if (length < 126) return Buffer.from([0x82, 0x80 | length, 0, 0, 0, 0]);
  if (length < 65_536) return Buffer.from([0x82, 0xfe, length >> 8, length & 0xff, 0, 0, 0, 0]);
  const head = Buffer.alloc(14);
  head[0] = 0x82;
  head[1] = 0xff;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

/** The frame of a server that begins here, when all of it is there. */
function serverFrame(bytes: Buffer, at: number): { from: number; end: number } | undefined {
  const short = bytes[at + 1];
  if (short === undefined) return undefined;
  const size = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (at + size > bytes.length) return undefined;
  const length = size === 2 ? short : size === 4 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
  const end = at + size + length;
  return end > bytes.length ? undefined : { from: at + size, end };
}

answer({ publish, receive } satisfies MqttLoad);
