import { permissionMissing, requirePermission } from '@heddle/auth';
import { HeddleError, parseAddress, typeOfTopic } from '@heddle/event';
import type { IncomingMessage } from '../../messages/incoming-message.js';
import { incomingOf } from './amqp.frames.js';
import { amqpErrorOf } from './conditions.js';
import { ACCEPTED, type AmqpError, type DeliveryState, RELEASED } from './delivery-state.js';
import type { Link, LinkSession } from './link.js';
import { MessageParts } from './message-parts.js';
import { readMessage } from './message-sections.js';
import type { SettledRange } from './performative-writer.js';
import type { Attach, Flow, Transfer } from './performatives.js';

/** A message that has come as a whole, or what is wrong with it. */
interface Arrived {
  deliveryId: number;
  settled: boolean;
  bytes: number;
  message: IncomingMessage | undefined;
  error?: HeddleError;
}

/** Messages that may be on their way to the log; credit is given for those that are there. */
const WINDOW = 1000;
/** … of which one call takes so many. */
const BATCH = 500;
/** Messages of one connection that have come in part, in bytes; two of the largest may always be under way. */
const MAX_PARTIAL_BYTES = 8 * 1024 * 1024;
/** What is answered to JMS where it asks for a temporary queue or topic. */
export const NO_TEMPORARY = 'There are no temporary addresses here: make a queue, and receive from that.';
/** A rate that is used up is waited for in steps of so many milliseconds. */
const RATE_WAIT_MS = 50;

/**
 * Messages of a client on their way into the log. Those that come while others are appended are appended together after
 * them, so that the order of the link stays; credit comes back as they are answered.
 */
export class PublishLink implements Link {
  readonly isReceiver = true;
  readonly name: string;
  readonly #handle: number;
  /** Undefined where each message says its own. */
  readonly #target: string | undefined;
  #credit = WINDOW;
  #deliveryCount: number;
  readonly #parts = new MessageParts();
  #current: { deliveryId: number; settled: boolean; messageFormat: number } | undefined;
  #arrived: Arrived[] = [];
  #publishing = 0;
  #isOver = false;

  /** @throws HeddleError `parameter-invalid`, `not-implemented`, `permission-missing` */
  constructor(
    private readonly session: LinkSession,
    { name, handle, sndSettleMode, source, target, initialDeliveryCount }: Attach,
  ) {
    if (target === 'coordinator') {
      throw new HeddleError('not-implemented', 'There are no transactions here.', { field: 'target' });
    }
    if (target === undefined) {
      const rule = 'The target of a sender is queue:<name>, topic:<name> or one without an address.';
      throw new HeddleError('parameter-invalid', rule, { field: 'target' });
    }
    if (target.dynamic) throw new HeddleError('not-implemented', NO_TEMPORARY, { field: 'target.dynamic' });
    const address = target.address === undefined || target.address === '' ? undefined : target.address;
    if (address !== undefined) this.#requireRight(address);
    this.name = name;
    this.#handle = handle;
    this.#target = address;
    this.#deliveryCount = initialDeliveryCount;
    session.attached({
      name,
      handle,
      isReceiver: true,
      sndSettleMode,
      rcvSettleMode: 0,
      source: { address: source?.address },
      target: { address },
      maxMessageSize: session.connection.home.settings.amqpMessageBytes,
    });
    this.#sayCredit();
  }

  flow({ echo }: Flow): void {
    if (echo) this.#sayCredit();
  }

  transfer(transfer: Transfer, payload: Buffer): void {
    if (this.#isOver) return;
    const { deliveryId, settled, more, aborted } = transfer;
    const problem = this.#problemOf(transfer);
    if (problem !== undefined) {
      this.#detach(problem);
      return;
    }
    this.#current ??= { deliveryId: deliveryId!, settled, messageFormat: transfer.messageFormat };
    this.#current.settled ||= settled;
    if (!aborted) {
      const tooMuch = this.#tooMuch(payload.length);
      if (tooMuch !== undefined) {
        this.#detach(tooMuch);
        return;
      }
      if (more) {
        this.#parts.add(payload);
        this.session.connection.partialBytes += payload.length;
        return;
      }
    }
    const { deliveryId: id, settled: isSettled, messageFormat } = this.#current;
    this.#current = undefined;
    this.#credit -= 1;
    this.#deliveryCount = (this.#deliveryCount + 1) >>> 0;
    const before = this.#takeParts(aborted ? undefined : payload);
    // A delivery that was broken off is settled by that, and nothing is said of it (part 2, section 2.6.14).
    if (!aborted) this.#arrive(id, isSettled, before ?? payload, messageFormat);
  }

  tick(): void {}

  end(): void {
    this.#isOver = true;
    this.#takeParts();
  }

  /** What makes a transfer one that cannot be taken, by the rules of links. */
  #problemOf({ deliveryId, state }: Transfer): AmqpError | undefined {
    if (this.#current !== undefined) {
      if (deliveryId === undefined || deliveryId === this.#current.deliveryId) return undefined;
      return { condition: 'amqp:not-allowed', description: 'A delivery began before the one before it had ended.' };
    }
    if (deliveryId === undefined) {
      return { condition: 'amqp:invalid-field', description: 'A delivery begins with its id.' };
    }
    if (state?.outcome === 'unknown') {
      return { condition: 'amqp:not-implemented', description: 'There are no transactions here.' };
    }
    if (this.#credit > 0) return undefined;
    return { condition: 'amqp:link:transfer-limit-exceeded', description: 'There was no credit for this.' };
  }

  #tooMuch(bytes: number): AmqpError | undefined {
    const { connection } = this.session;
    const { amqpMessageBytes } = connection.home.settings;
    if (this.#parts.length + bytes > amqpMessageBytes) {
      const description = `A message has ${amqpMessageBytes} bytes at most.`;
      return { condition: 'amqp:link:message-size-exceeded', description };
    }
    if (connection.partialBytes + bytes <= Math.max(MAX_PARTIAL_BYTES, 2 * amqpMessageBytes)) return undefined;
    const description = 'Too many large messages of this connection have come in part.';
    return { condition: 'amqp:resource-limit-exceeded', description };
  }

  /** What has come of a message before, with its end; nothing where it has come in one piece. */
  #takeParts(last?: Buffer): Buffer | undefined {
    const { length } = this.#parts;
    if (length === 0) return undefined;
    this.session.connection.partialBytes -= length;
    if (last !== undefined) this.#parts.add(last);
    return this.#parts.take();
  }

  #requireRight(address: string): void {
    const { kind, name } = parseAddress(address, 'target.address');
    const { caller } = this.session.connection;
    if (kind === 'queue') {
      requirePermission(caller, 'publish', 'queue', name);
      return;
    }
    const type = typeOfTopic(name)?.type;
    const { permissions } = caller;
    if (permissions.allows('publish', 'topic', name)) return;
    if (type !== undefined && permissions.allows('publish', 'type', type)) return;
    throw permissionMissing(caller, type === undefined ? `publish:topic:${name}` : `publish:type:${type}`);
  }

  #arrive(deliveryId: number, settled: boolean, bytes: Buffer, messageFormat: number): void {
    const arrived: Arrived = { deliveryId, settled, bytes: bytes.length, message: undefined };
    try {
      if (messageFormat !== 0) {
        throw new HeddleError('not-implemented', `Messages have the format 0 here, not ${messageFormat}.`);
      }
      arrived.message = incomingOf(readMessage(bytes), this.#target, Date.now());
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error;
      arrived.error = error;
    }
    this.#arrived.push(arrived);
    this.session.connection.unanswered(1, bytes.length);
    if (this.#arrived.length === 1 && this.#publishing === 0) this.session.connection.afterRead(this.#publish);
  }

  #publish = (): void => {
    if (this.#publishing > 0 || this.#arrived.length === 0) return;
    const count = this.#admitted(Math.min(BATCH, this.#arrived.length));
    if (count === 0) {
      // Credit stays used meanwhile, so that the client sends no more than the rate allows.
      this.#publishing = 1;
      setTimeout(() => {
        this.#publishing = 0;
        this.#publish();
      }, RATE_WAIT_MS);
      return;
    }
    const batch = this.#arrived.splice(0, count);
    this.#publishing = batch.length;
    const { home, caller } = this.session.connection;
    const messages = batch.flatMap(({ message }) => message ?? []);
    home.publisher.publishMessages(caller, messages).then(
      (outcomes) => {
        let at = 0;
        this.#answer(
          batch,
          batch.map(({ message, error }) => {
            if (message === undefined) return error;
            const outcome = outcomes[at++]!;
            return 'error' in outcome ? outcome.error : undefined;
          }),
        );
      },
      (error: unknown) => {
        home.failed(error);
        const failure = new HeddleError('internal', 'The messages could not be published.', { cause: error });
        this.#answer(
          batch,
          batch.map(() => failure),
        );
      },
    );
  };

  /** How many of so many the rate of the client allows now. */
  #admitted(count: number): number {
    const { home, caller } = this.session.connection;
    for (const wanted of [count, 1]) {
      try {
        home.charge(caller.tenant, caller.client, wanted);
        return wanted;
      } catch (error) {
        if (!(error instanceof HeddleError) || error.code !== 'rate-limited') throw error;
      }
    }
    return 0;
  }

  #answer(batch: readonly Arrived[], errors: readonly (HeddleError | undefined)[]): void {
    const { connection } = this.session;
    this.#publishing = 0;
    const ranges: SettledRange[] = [];
    let refusedUnheard: HeddleError | undefined;
    let bytes = 0;
    for (const [at, { deliveryId, settled, bytes: own }] of batch.entries()) {
      const error = errors[at];
      bytes += own;
      if (settled) {
        if (error !== undefined && !error.retryable) refusedUnheard ??= error;
        continue;
      }
      const state = error === undefined ? ACCEPTED : stateOf(error);
      const last = ranges.at(-1);
      if (last?.state === state && (last.last + 1) >>> 0 === deliveryId) last.last = deliveryId;
      else ranges.push({ first: deliveryId, last: deliveryId, state });
    }
    connection.unanswered(-batch.length, -bytes);
    if (this.#isOver) return;
    if (ranges.length > 0) this.session.settled(true, ranges);
    // A client that wants no answers is told by the end of its link what it cannot be told otherwise.
    if (refusedUnheard !== undefined) {
      this.#detach(amqpErrorOf(refusedUnheard));
      return;
    }
    if (this.#credit <= WINDOW / 2) this.#giveCredit();
    this.#publish();
  }

  #giveCredit(): void {
    this.#credit = Math.max(0, WINDOW - this.#arrived.length);
    this.#sayCredit();
  }

  #sayCredit(): void {
    this.session.flowOf(this.#handle, this.#deliveryCount, this.#credit);
  }

  #detach(error: AmqpError): void {
    this.session.detach(this.#handle, error);
  }
}

/** What may succeed when it is sent again is released; the rest is rejected with the reason. */
function stateOf(error: HeddleError): DeliveryState {
  return error.retryable || error.code === 'internal' ? RELEASED : { outcome: 'rejected', error: amqpErrorOf(error) };
}
