import rhea, { type Connection, type Delivery, type EventContext } from 'rhea';
import { WebSocket } from 'ws';
import type { HttpDoor } from '../http-door.js';
import { Latencies, nowMicros } from '../latencies.js';
import { answer } from './answer.js';
import type { Settled } from './queue-pull.js';

export interface AmqpWork extends AmqpPlace {
  /** The address of the source. */
  source: string;
  connections: number;
  /** Deliveries in flight on each connection. */
  credit: number;
  /** It is done when so many are settled. */
  events: number;
  timeoutMs: number;
}

/** Where AMQP is spoken: over WebSocket with a bearer, or over TCP by a user whom everybody knows. */
export interface AmqpPlace extends HttpDoor {
  overWebSocket: boolean;
}

export interface AmqpFill extends AmqpPlace {
  /** The address of the target. */
  target: string;
  events: number;
  bytes: number;
}

export type AmqpReceive = {
  /** Sends so many durable messages; resolves when all are accepted. */
  fill(options: AmqpFill): Promise<void>;
  /** Accepts whatever comes, over AMQP; counts what the other end has answered, or where it answers nothing, what it was told. */
  work(options: AmqpWork): Promise<Settled>;
};

/** The client stops at what its session can hold as long as the oldest is not settled. */
const SESSION_BUFFER = 65_536;

function connectionTo({ port, authorization, overWebSocket }: AmqpPlace): Connection {
  const common = { reconnect: false, session_buffer_size: SESSION_BUFFER };
  if (!overWebSocket) {
    const user = { username: 'guest', password: 'guest' };
    return rhea.create_container().connect({ host: '127.0.0.1', port, ...user, ...common } as never);
  }
  const details = rhea.websocket_connect(WebSocket as never)(
    `ws://127.0.0.1:${port}/protocols/amqp10ws`,
    'amqp' as never,
    { headers: { authorization } } as never,
  );
  return rhea.create_container().connect({ connection_details: details as never, ...common } as never);
}

async function fill({ target, events, bytes, ...place }: AmqpFill): Promise<void> {
  const connection = connectionTo(place);
  const body = rhea.message.data_section(Buffer.alloc(bytes, 0x78));
  const done = Promise.withResolvers<void>();
  let [sent, accepted] = [0, 0];
  connection.on('sendable', ({ sender }: EventContext) => {
    for (; sent < events && sender!.sendable(); sent += 1) sender!.send({ body, durable: true } as never);
  });
  connection.on('accepted', () => {
    accepted += 1;
    if (accepted === events) done.resolve();
  });
  connection.on('disconnected', () => done.reject(new Error('disconnected while sending')));
  connection.open_sender(target);
  await done.promise;
  connection.close();
}

async function work(options: AmqpWork): Promise<Settled> {
  const { connections, credit, events, timeoutMs, source, overWebSocket } = options;
  const latencies = new Latencies();
  const done = Promise.withResolvers<void>();
  const timer = setTimeout(done.resolve, timeoutMs);
  const begun = nowMicros();
  const total = { settled: 0, refused: 0, endedAt: begun };
  const count = (): void => {
    total.settled += 1;
    total.endedAt = nowMicros();
    if (total.settled >= events) done.resolve();
  };
  const open = Array.from({ length: connections }, () => {
    const said = new WeakMap<Delivery, number>();
    const connection = connectionTo(options);
    connection.on('disconnected', () => done.resolve());
    connection.on('message', ({ delivery }: EventContext) => {
      said.set(delivery!, nowMicros());
      delivery!.accept();
      if (!overWebSocket) count();
    });
    connection.on('settled', ({ delivery }: EventContext) => {
      if (!overWebSocket) return;
      if ((delivery!.remote_state as { error?: unknown } | undefined)?.error !== undefined) total.refused += 1;
      else count();
      latencies.record(nowMicros() - said.get(delivery!)!);
    });
    connection.open_receiver({
      source: { address: source },
      credit_window: credit,
      autoaccept: false,
      // Settled once it is answered, where the other end knows that.
      rcv_settle_mode: overWebSocket ? 1 : 0,
    } as never);
    return connection;
  });
  try {
    await done.promise;
  } finally {
    clearTimeout(timer);
    for (const connection of open) connection.close();
  }
  const { settled, refused, endedAt } = total;
  return { settled, refused, seconds: (endedAt - begun) / 1_000_000, latencies: latencies.encoded() };
}

answer({ fill, work } satisfies AmqpReceive);
