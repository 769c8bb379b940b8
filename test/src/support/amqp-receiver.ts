import { setImmediate as nextTurn } from 'node:timers/promises';
import rhea, { type Connection, type Delivery, type EventContext, type Message } from 'rhea';
import { WebSocket } from 'ws';
import type { CloudEvent } from './cloud-event.js';
import { authorizationFor } from './keyring.js';
import type { SettleResult } from './queue-clients.js';
import type { SettleAction } from './receiver.js';
import { ReconnectingReceiver } from './reconnecting-receiver.js';

const CREDIT = 1000;
/** Of the client itself, which would else stop at 2,048 as long as the oldest is not settled. */
const SESSION_BUFFER = 16_384;
/** As an outcome that is not settled yet, which the method of that name would make it. */
const { rejected: REJECTED } = rhea.message as unknown as {
  rejected(fields: object): { described(): unknown };
};
const STATES = { accepted: 'accepted', rejected: 'rejected', released: 'released', modified: 'released' } as const;

/** A receiver over AMQP 1.0 on a WebSocket, by a client that is not ours. */
export class AmqpReceiver extends ReconnectingReceiver {
  #connection: Connection | undefined;

  protected disconnect(): void {
    this.#connection?.close();
  }

  protected async connect(): Promise<void> {
    const { gateway, queue, leaseMs } = this.wish;
    const headers = await authorizationFor(gateway);
    const url = `${gateway.replace('http', 'ws')}/protocols/amqp10ws`;
    const details = rhea.websocket_connect(WebSocket as never)(url, 'amqp' as never, { headers } as never);
    const connection = rhea.create_container().connect({
      connection_details: details as never,
      reconnect: false,
      session_buffer_size: SESSION_BUFFER,
    } as never);
    this.#connection = connection;
    const answers = new Map<Delivery, (result: SettleResult) => void>();
    let isGone = false;
    let turn: Promise<unknown> = Promise.resolve();
    const gone = new Promise<void>((resolve) => {
      for (const event of ['disconnected', 'connection_close'] as const) connection.once(event, () => resolve());
    });
    for (const event of ['error', 'connection_error', 'receiver_error', 'receiver_close'] as const) {
      connection.on(event, () => connection.close());
    }
    // Without a listener it writes to the console.
    connection.on('disconnected', () => undefined);
    connection.on('settled', ({ delivery }: EventContext) => answers.get(delivery!)?.(resultOf(delivery!)));
    connection.on('message', ({ delivery, message, receiver }: EventContext) => {
      receiver!.add_credit(1);
      const settle = async (action: SettleAction, reason?: string): Promise<SettleResult> => {
        // One outcome a turn: of those said together the client says the second one with the state of the first.
        await (turn = turn.then(() => nextTurn()));
        // What a link has not settled is lost with it; there is nobody to tell that to again.
        if (isGone) return { lease: '', code: 'lease-lost' };
        const answered = new Promise<SettleResult>((resolve) => answers.set(delivery!, resolve));
        if (action === 'accept') delivery!.accept();
        else if (action === 'release') delivery!.release();
        else delivery!.update(false, REJECTED({ error: rejection(reason) }).described() as never);
        return Promise.race([answered, gone.then((): SettleResult => ({ lease: '', code: 'lease-lost' }))]);
      };
      this.#receive(message!, settle);
    });
    const receiver = connection.open_receiver({
      source: { address: `queue:${queue}` },
      credit_window: 0,
      autoaccept: false,
      rcv_settle_mode: 1,
      properties: { 'heddle:lease-ms': leaseMs },
    } as never);
    receiver.add_credit(CREDIT);
    if (this.isOver) connection.close();
    await gone;
    isGone = true;
  }

  #receive(message: Message, settle: (action: SettleAction, reason?: string) => Promise<SettleResult>): void {
    const text = (message.body as { content: Buffer }).content.toString();
    const event = JSON.parse(text) as CloudEvent;
    const annotations = message.message_annotations ?? {};
    const action = this.take({
      id: event.id,
      key: event.subject,
      attempt: (message.delivery_count ?? 0) + 1,
      redelivery: (annotations['x-opt-heddle-redelivery'] as 'yes' | 'maybe' | undefined) ?? 'no',
      cycle: annotations['x-opt-heddle-cycle'] as string | undefined,
      text,
      at: performance.now(),
      settle,
    });
    if (action !== 'keep') void settle(action);
  }
}

/** Without it, a rejection is an attempt that failed. */
function rejection(description = 'rejected by the receiver') {
  return { condition: 'heddle:rejected', description };
}

/** What a delivery was settled with by the other side. */
function resultOf({ remote_state: state }: Delivery): SettleResult {
  const { condition } = (state as { error?: { condition?: string } }).error ?? {};
  const code =
    condition?.startsWith('heddle:') === true && condition !== 'heddle:rejected' ? condition.slice(7) : undefined;
  if (code !== undefined) return { lease: '', code };
  const { composite_type: outcome } = state!.constructor as unknown as { composite_type: keyof typeof STATES };
  return { lease: '', state: STATES[outcome] };
}
