import { setTimeout as delay } from 'node:timers/promises';
import { AmqpReceiver } from './amqp-receiver.js';
import {
  type QueueDelivery,
  type QueueSocket,
  type Settlement,
  type SettleResult,
  openQueueSocket,
  pullDeliveries,
  settlePulled,
} from './queue-clients.js';
import { MqttReceiver } from './mqtt-receiver.js';
import { type Received, Receiver, type ReceiverKind, type ReceiverWish, type SettleAction } from './receiver.js';
import { ReconnectingReceiver } from './reconnecting-receiver.js';
import { WebhookSink, eventOf } from './webhook-sink.js';
import { putWebhook } from './webhooks.js';

const AWAY_MS = 50;
const WAIT_MS = 500;
const CREDIT = 1000;

class PullReceiver extends Receiver {
  #isOver = false;
  readonly #work: Promise<void>;

  constructor(private readonly wish: ReceiverWish) {
    super();
    this.#work = this.#run();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#work;
  }

  /** A gateway that is away, or dies over a request, is asked again. */
  async #run(): Promise<void> {
    const { gateway, queue, leaseMs } = this.wish;
    while (!this.#isOver) {
      try {
        const deliveries = await pullDeliveries(gateway, queue, { max: 100, waitMs: WAIT_MS, leaseMs });
        const settlements = deliveries.flatMap((delivery): Settlement[] => {
          const action = this.take(receivedOf(delivery, (settlement) => this.#settle(settlement)));
          return action === 'keep' ? [] : [{ lease: delivery.lease, action }];
        });
        if (settlements.length > 0) await settlePulled(gateway, queue, settlements);
      } catch {
        await delay(AWAY_MS);
      }
    }
  }

  async #settle(settlement: Settlement): Promise<SettleResult | undefined> {
    const [result] = await settlePulled(this.wish.gateway, this.wish.queue, [settlement]);
    return result;
  }
}

class SocketReceiver extends ReconnectingReceiver {
  #socket: QueueSocket | undefined;

  protected disconnect(): void {
    this.#socket?.close();
  }

  protected async connect(): Promise<void> {
    const { gateway, queue, leaseMs } = this.wish;
    const socket = await openQueueSocket(gateway, queue, {
      leaseMs,
      credit: CREDIT,
      onDelivery: (delivery, from) => this.#receive(delivery, from),
    });
    this.#socket = socket;
    if (this.isOver) socket.close();
    await socket.closed;
  }

  #receive(delivery: QueueDelivery, from: QueueSocket): void {
    from.addCredit(1);
    const action = this.take(receivedOf(delivery, (settlement) => this.#settle(settlement)));
    if (action !== 'keep') void from.settle([{ lease: delivery.lease, action }]);
  }

  async #settle(settlement: Settlement): Promise<SettleResult | undefined> {
    const [result] = (await this.#socket?.settle([settlement])) ?? [];
    return result;
  }
}

const STATUS = { accept: 204, release: 500 };

class WebhookReceiver extends Receiver {
  constructor(private readonly sink: WebhookSink) {
    super();
    sink.answerWith((delivery, response) => {
      const { headers, body, at } = delivery;
      const { id, subject: key } = eventOf(delivery);
      const settle = (action: SettleAction): Promise<undefined> => {
        if (action === 'reject') throw new Error('A webhook has no way to reject.');
        response.writeHead(STATUS[action]).end();
        return Promise.resolve(undefined);
      };
      const action = this.take({
        id,
        key,
        at,
        attempt: Number(headers['heddle-attempt']),
        redelivery: headers['heddle-redelivery'] as Received['redelivery'],
        cycle: headers['heddle-cycle'] as string | undefined,
        text: body.toString('utf8'),
        settle,
      });
      if (action !== 'keep') void settle(action);
    });
  }

  stop(): Promise<void> {
    return this.sink.stop();
  }
}

function receivedOf(
  { lease, event, attempt, redelivery, cycle }: QueueDelivery,
  settle: (settlement: Settlement) => Promise<SettleResult | undefined>,
): Received {
  return {
    id: event.id,
    key: event.subject,
    attempt,
    redelivery,
    cycle,
    text: JSON.stringify(event),
    at: performance.now(),
    settle: (action, reason) => settle({ lease, action, ...(reason === undefined ? {} : { reason }) }),
  };
}

const ANSWERED = { isAnswered: true, canReject: true, released: /released by the receiver/ } as const;

/** Every way there is. */
export const RECEIVER_KINDS: readonly ReceiverKind[] = [
  { name: 'pull', ...ANSWERED, open: (wish) => Promise.resolve(new PullReceiver(wish)) },
  { name: 'websocket', ...ANSWERED, open: (wish) => Promise.resolve(new SocketReceiver(wish)) },
  { name: 'webhook', isAnswered: false, canReject: false, released: /status 500/, open: openWebhook },
  { name: 'amqp', ...ANSWERED, settlesOnce: true, open: (wish) => Promise.resolve(new AmqpReceiver(wish)) },
  {
    name: 'mqtt',
    isAnswered: false,
    canReject: true,
    released: /PUBACK 0x80/,
    open: (wish) => Promise.resolve(new MqttReceiver(wish)),
  },
];

async function openWebhook({ gateway, queue, leaseMs }: ReceiverWish): Promise<Receiver> {
  const sink = await WebhookSink.start();
  const receiver = new WebhookReceiver(sink);
  await putWebhook(gateway, { url: sink.url, queue, delivery: { timeoutMs: leaseMs } });
  return receiver;
}
