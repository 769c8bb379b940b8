import rhea, { type Delivery, type EventContext } from 'rhea';
import { WebSocket } from 'ws';
import type { HttpDoor } from '../http-door.js';
import { Latencies, nowMicros } from '../latencies.js';
import { answer } from './answer.js';
import type { Settled } from './queue-pull.js';

export interface AmqpWork extends HttpDoor {
  queue: string;
  connections: number;
  /** Deliveries in flight on each connection. */
  credit: number;
  /** It is done when so many are settled. */
  events: number;
  timeoutMs: number;
}

export type AmqpReceive = {
  /** Accepts whatever comes, over AMQP on WebSockets; counts what the gateway has answered as durable. */
  work(options: AmqpWork): Promise<Settled>;
};

/** The client stops at what its session can hold as long as the oldest is not settled. */
const SESSION_BUFFER = 65_536;

async function work(options: AmqpWork): Promise<Settled> {
  const { connections, credit, events, timeoutMs, queue, port, authorization } = options;
  const latencies = new Latencies();
  const done = Promise.withResolvers<void>();
  const timer = setTimeout(done.resolve, timeoutMs);
  const begun = nowMicros();
  const total = { settled: 0, refused: 0, endedAt: begun };
  const url = `ws://127.0.0.1:${port}/protocols/amqp10ws`;
  const open = Array.from({ length: connections }, () => {
    const said = new WeakMap<Delivery, number>();
    const details = rhea.websocket_connect(WebSocket as never)(
      url,
      'amqp' as never,
      { headers: { authorization } } as never,
    );
    const connection = rhea.create_container().connect({
      connection_details: details as never,
      reconnect: false,
      session_buffer_size: SESSION_BUFFER,
    } as never);
    connection.on('disconnected', () => done.resolve());
    connection.on('message', ({ delivery }: EventContext) => {
      said.set(delivery!, nowMicros());
      delivery!.accept();
    });
    connection.on('settled', ({ delivery }: EventContext) => {
      if ((delivery!.remote_state as { error?: unknown } | undefined)?.error === undefined) total.settled += 1;
      else total.refused += 1;
      total.endedAt = nowMicros();
      latencies.record(total.endedAt - said.get(delivery!)!);
      if (total.settled >= events) done.resolve();
    });
    connection.open_receiver({
      source: { address: `queue:${queue}` },
      credit_window: credit,
      autoaccept: false,
      rcv_settle_mode: 1,
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

answer({ work } satisfies AmqpReceive);
