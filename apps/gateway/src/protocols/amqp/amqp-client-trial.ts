import { once } from 'node:events';
import rhea, {
  type AmqpError,
  type Connection,
  type ConnectionOptions,
  type Delivery,
  type EventContext,
  type Message,
  type Receiver,
  type ReceiverOptions,
  type Sender,
  type SenderOptions,
} from 'rhea';
import { WebSocket } from 'ws';

/** What a receiver of a client got. */
export interface TrialMessage {
  delivery: Delivery;
  message: Message;
  text: string;
}

/** What became of a message: its outcome, and the condition of an error. */
export interface TrialOutcome {
  outcome: 'accepted' | 'rejected' | 'released' | 'modified';
  condition: string | undefined;
  description: string | undefined;
}

/** An AMQP client that is not ours: rhea, with credit and settlement by hand. */
export class AmqpClient {
  private constructor(readonly connection: Connection) {}

  /** Connects over TCP. */
  static overTcp(port: number, options: Partial<ConnectionOptions>): Promise<AmqpClient> {
    return AmqpClient.#open({ host: '127.0.0.1', port, ...options });
  }

  /** Connects over WebSocket, with a bearer in the upgrade. */
  static overWebSocket(
    url: string,
    authorization: string,
    options: Partial<ConnectionOptions> = {},
  ): Promise<AmqpClient> {
    const connect = rhea.websocket_connect(WebSocket as never);
    const details = connect(
      `${url.replace('http', 'ws')}/protocols/amqp10ws`,
      'amqp' as never,
      {
        headers: { authorization },
      } as never,
    );
    return AmqpClient.#open({ connection_details: details as never, ...options });
  }

  static async #open(options: Partial<ConnectionOptions>): Promise<AmqpClient> {
    const container = rhea.create_container();
    const connection = container.connect({ reconnect: false, container_id: 'trial', ...options } as ConnectionOptions);
    return new Promise((resolve, reject) => {
      connection.once('connection_open', () => resolve(new AmqpClient(connection)));
      connection.once('connection_error', () => reject(refusal(connection.error as AmqpError | undefined)));
      connection.once('disconnected', ({ error }: EventContext) =>
        reject((error as Error | undefined) ?? new Error('disconnected')),
      );
      connection.on('error', () => undefined);
      connection.on('connection_error', () => undefined);
    });
  }

  /** Attaches a receiver without credit; rejects with the reason where it is detached at once. */
  receiver(address: string, options: Partial<ReceiverOptions> = {}): Promise<TrialReceiver> {
    const receiver = this.connection.open_receiver({
      source: { address },
      credit_window: 0,
      autoaccept: false,
      rcv_settle_mode: 1,
      ...options,
    } as ReceiverOptions);
    return attached(receiver, 'receiver', new TrialReceiver(receiver));
  }

  /** Attaches a sender; to a target without an address when none is given. */
  sender(address?: string, options: Partial<SenderOptions> = {}): Promise<TrialSender> {
    const sender = this.connection.open_sender({
      target: address === undefined ? {} : { address },
      ...options,
    } as SenderOptions);
    return attached(sender, 'sender', new TrialSender(sender));
  }

  /** Resolves with the condition that the connection is closed with from the other side. */
  async closed(): Promise<string | undefined> {
    await once(this.connection, 'connection_close');
    return (this.connection.error as AmqpError | undefined)?.condition;
  }

  close(): void {
    this.connection.close();
  }

  /** Ends it as a network does. */
  cut(): void {
    (this.connection as unknown as { socket: { destroy?: () => void; end(): void } }).socket.destroy?.();
  }
}

/** A receiver, and everything it got. */
export class TrialReceiver {
  readonly messages: TrialMessage[] = [];
  /** Deliveries that the other side has settled. */
  readonly settled: Delivery[] = [];
  detachedWith: string | undefined;
  drained = 0;

  constructor(readonly link: Receiver) {
    link.on('message', ({ delivery, message }: EventContext) => {
      this.messages.push({ delivery: delivery!, message: message!, text: textOf(message!) });
    });
    link.on('settled', ({ delivery }: EventContext) => void this.settled.push(delivery!));
    link.on('receiver_drained', () => (this.drained += 1));
    link.on('receiver_close', () => (this.detachedWith = (link.error as AmqpError | undefined)?.condition ?? 'closed'));
    link.on('receiver_error', () => undefined);
  }

  get ids(): unknown[] {
    return this.messages.map(({ message }) => message.message_id);
  }
}

/** A sender, and what became of what it sent, in the order of the answers. */
export class TrialSender {
  readonly outcomes: TrialOutcome[] = [];
  detachedWith: string | undefined;

  constructor(readonly link: Sender) {
    for (const outcome of ['accepted', 'rejected', 'released', 'modified'] as const) {
      link.on(outcome, ({ delivery }: EventContext) => {
        const error = (delivery!.remote_state as { error?: AmqpError } | undefined)?.error;
        this.outcomes.push({ outcome, condition: error?.condition, description: error?.description });
      });
    }
    link.on('sender_close', () => (this.detachedWith = (link.error as AmqpError | undefined)?.condition ?? 'closed'));
    link.on('sender_error', () => undefined);
  }
}

function attached<T>(link: Receiver | Sender, kind: 'receiver' | 'sender', trial: T): Promise<T> {
  return new Promise((resolve, reject) => {
    link.once(
      `${kind}_open` as never,
      (() => {
        // A link that is refused is attached without its other end first, and detached right after.
        setImmediate(() => resolve(trial));
      }) as never,
    );
    link.once(`${kind}_error` as never, (() => reject(refusal(link.error as AmqpError | undefined))) as never);
  });
}

function refusal(error: AmqpError | undefined): Error {
  return Object.assign(new Error(error?.description ?? 'refused'), { condition: error?.condition });
}

function textOf({ body }: Message): string {
  const content = (body as { content?: unknown } | undefined)?.content ?? body;
  return Buffer.isBuffer(content) ? content.toString() : String(content);
}
