import { HeddleError, parseAddress, tenantOf, topicMatcher, topicPatternProblem } from '@heddle/event';
import { requireTopics } from '../../queues/queue-rights.js';
import type { DispatchedEvent, Form } from '../../represent.js';
import type { StreamEnd, StreamSink } from '../../streams/fan-out.js';
import type { Stream } from '../../streams/stream.js';
import { ACCEPTED, type DeliveryState } from './delivery-state.js';
import type { LinkSession, OutgoingLink } from './link.js';
import { linkModeOf } from './link-wishes.js';
import { countBytes } from './message-sections.js';
import type { Attach, Flow, Terminus } from './performatives.js';

/** In front of each message in the bytes of a stream. */
const LENGTH_BYTES = 4;
const NOTHING = Buffer.alloc(0);
/** How a stream says where it begins; no message of anybody's. */
const OPENED_TYPE = 'heddle.stream.v1.Stream.Opened.v1';
const FIRST = countBytes({ attempt: 1, redelivery: 'no', cycle: '' });

/**
 * What is published under a topic, to a client, while the link is there: no memory, no leases. A client that gives no
 * credit, or does not read, is behind, and is given what it missed from the log as it gets on.
 */
export class TopicLink implements OutgoingLink, StreamSink {
  readonly isReceiver = false;
  readonly name: string;
  readonly handle: number;
  readonly isSettled: boolean;
  readonly #stream: Stream;
  #waiting: Buffer[] = [];
  #queuedBytes = 0;
  #drains: (() => void)[] = [];
  #credit = 0;
  #deliveryCount = 0;
  #isDraining = false;
  #isStopped = false;
  #isOver = false;

  /** @throws HeddleError `parameter-invalid`, `permission-missing` */
  constructor(
    private readonly session: LinkSession,
    { name, handle, sndSettleMode, rcvSettleMode, target, properties }: Attach,
    source: Terminus,
  ) {
    const pattern = patternOf(source);
    const { connection } = session;
    const { home, caller } = connection;
    requireTopics(caller, [pattern]);
    const mode = linkModeOf(properties);
    this.name = name;
    this.handle = handle;
    // There is nothing that a delivery could go back to; whoever insists is answered.
    this.isSettled = sndSettleMode !== 0;
    session.attached({
      name,
      handle,
      isReceiver: false,
      sndSettleMode: this.isSettled ? 1 : 0,
      rcvSettleMode: rcvSettleMode === 1 ? 1 : 0,
      source: { address: source.address, durable: 0 },
      target: { address: typeof target === 'object' ? target.address : undefined },
      maxMessageSize: 0,
    });
    const matches = topicMatcher([pattern]);
    const bare = home.forms.form(mode);
    const form: Form = {
      name: `amqp-topic-${mode}`,
      encode: (event) => (isWanted(event, matches, home) ? withLength(event.as(bare)) : NOTHING),
    };
    this.#stream = home.streams.open({
      caller,
      // Streams with the same patterns share their bytes.
      patterns: [`topic:${pattern}`],
      // A type says nothing of the namespace that an event came by, nor of a topic that no type knows.
      matches: () => true,
      wantsRaw: true,
      form,
      start: 'now',
      sink: this,
    });
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      const from = at + LENGTH_BYTES;
      at = from + bytes.readUInt32BE(at);
      this.#waiting.push(bytes.subarray(from, at));
      this.#queuedBytes += at - from;
    }
    this.#pump();
  }

  onceDrained(callback: () => void): void {
    if (this.#waiting.length === 0 || this.#isOver) setImmediate(callback);
    else this.#drains.push(callback);
  }

  close(reason: StreamEnd): void {
    const condition = reason === 'failed' ? 'amqp:internal-error' : 'amqp:connection:forced';
    this.session.detach(this.handle, { condition, description: `The stream has ended: ${reason}.` });
  }

  flow({ deliveryCount = 0, linkCredit = 0, drain, echo }: Flow): void {
    this.#credit = Math.max(0, (deliveryCount + linkCredit - this.#deliveryCount) | 0);
    this.#isDraining = drain;
    this.#pump();
    if (drain) this.#useUp();
    else if (echo) this.session.flowOf(this.handle, this.#deliveryCount, this.#credit);
  }

  transfer(): void {
    throw new HeddleError('frame-invalid', 'Messages go the other way on this link.');
  }

  settle(deliveryId: number, state: DeliveryState | undefined, settled: boolean): boolean {
    if (!settled && state !== undefined) {
      this.session.settled(false, [{ first: deliveryId, last: deliveryId, state: ACCEPTED }]);
    }
    return settled || state !== undefined;
  }

  tick(): void {}

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream.close();
    this.#waiting = [];
    this.#queuedBytes = 0;
    this.#sayDrained();
  }

  #pump(): void {
    let sent = 0;
    while (sent < this.#waiting.length && this.#credit > 0 && this.session.hasRoom) {
      const bare = this.#waiting[sent]!;
      sent += 1;
      this.#credit -= 1;
      this.#deliveryCount = (this.#deliveryCount + 1) >>> 0;
      this.#queuedBytes -= bare.length;
      this.session.send(this, FIRST, bare);
    }
    if (sent > 0) this.#waiting = this.#waiting.slice(sent);
    if (this.#waiting.length === 0) this.#sayDrained();
    else if (this.#credit > 0 && !this.#isStopped) {
      this.#isStopped = true;
      this.session.onceRoom(() => {
        this.#isStopped = false;
        if (!this.#isOver) this.#pump();
      });
    }
    if (this.#isDraining && this.#waiting.length === 0) this.#useUp();
  }

  /** What comes next waits for new credit. */
  #useUp(): void {
    if (!this.#isDraining || (this.#waiting.length > 0 && this.#credit > 0)) return;
    this.#isDraining = false;
    this.#deliveryCount = (this.#deliveryCount + this.#credit) >>> 0;
    this.#credit = 0;
    this.session.flowOf(this.handle, this.#deliveryCount, 0, true);
  }

  #sayDrained(): void {
    const drains = this.#drains;
    this.#drains = [];
    for (const drain of drains) setImmediate(drain);
  }
}

/** @throws HeddleError `parameter-invalid` */
function patternOf({ address = '', durable }: Terminus): string {
  if (durable !== 0) {
    throw new HeddleError(
      'parameter-invalid',
      'What is to be kept while nobody is there is a queue: make one with this topic pattern, and receive from it.',
      { field: 'source.durable' },
    );
  }
  const pattern = address.slice('topic:'.length);
  const problem = topicPatternProblem(pattern);
  if (problem === undefined) return pattern;
  throw new HeddleError('parameter-invalid', `The topic ${problem}.`, { field: 'source.address' });
}

function isWanted(
  { stored }: DispatchedEvent,
  matches: (topic: string) => boolean,
  { namespaces }: LinkSession['connection']['home'],
): boolean {
  const { type, address, namespace } = stored.attributes;
  if (type === OPENED_TYPE) return false;
  if (address !== undefined) {
    const { kind, name } = parseAddress(address);
    return kind === 'topic' && matches(name);
  }
  return matches(namespaces.topicOf(tenantOf(stored.topic), type, namespace));
}

function withLength(bare: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + bare.length);
  bytes.writeUInt32BE(bare.length);
  bytes.set(bare, LENGTH_BYTES);
  return bytes;
}
