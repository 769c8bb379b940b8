import { HeddleError, parseAddress, tenantOf, topicMatcher, topicPatternProblem } from '@heddle/event';
import { requireTopics } from '../../queues/queue-rights.js';
import type { DispatchedEvent, Form } from '../../represent.js';
import type { StreamEnd, StreamSink } from '../../streams/fan-out.js';
import type { Stream } from '../../streams/stream.js';
import { ACCEPTED, type DeliveryState } from './delivery-state.js';
import { type LinkSession, type OutgoingLink, WRONG_WAY, creditOf, mostBytesOf, outgoingAttach } from './link.js';
import { linkModeOf } from './link-wishes.js';
import { priorityOf } from './message-header.js';
import { countBytes } from './message-sections.js';
import type { Attach, Flow, Terminus } from './performatives.js';

/** In front of each message in the bytes of a stream. */
const LENGTH_BYTES = 4;
const NOTHING = Buffer.alloc(0);
/** Deliveries that a client which wants to settle them may have and not have settled, whatever its credit. */
const MAX_UNSETTLED = 10_000;
/** How a stream says where it begins; no message of anybody's. */
const OPENED_TYPE = 'heddle.stream.v1.Stream.Opened.v1';

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
  readonly #maxBytes: number;
  #waiting: Buffer[] = [];
  #queuedBytes = 0;
  #drains: (() => void)[] = [];
  #credit = 0;
  #deliveryCount = 0;
  #unsettled = 0;
  #isDraining = false;
  #isStopped = false;
  #isOver = false;

  /** @throws HeddleError `parameter-invalid`, `permission-missing` */
  constructor(
    private readonly session: LinkSession,
    attach: Attach,
    source: Terminus,
  ) {
    const { name, handle, sndSettleMode, properties } = attach;
    const pattern = patternOf(source);
    const { connection } = session;
    const { home, caller } = connection;
    requireTopics(caller, [pattern]);
    const mode = linkModeOf(properties);
    this.name = name;
    this.handle = handle;
    this.#maxBytes = mostBytesOf(attach);
    // There is nothing that a delivery could go back to; whoever insists is answered.
    this.isSettled = sndSettleMode !== 0;
    const matches = topicMatcher([pattern]);
    const bare = home.forms.form(mode);
    const form: Form = {
      name: `amqp-topic-${mode}`,
      encode: (event) => (isWanted(event, matches, home) ? withLength(headOf(event), event.as(bare)) : NOTHING),
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
    session.attached(outgoingAttach(attach, this.isSettled, { address: source.address }));
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

  flow(flow: Flow): void {
    const { drain, echo } = flow;
    this.#credit = creditOf(flow, this.#deliveryCount);
    this.#isDraining = drain;
    this.#pump();
    if (drain) this.#useUp();
    else if (echo) this.session.flowOf(this.handle, this.#deliveryCount, this.#credit);
  }

  transfer(): void {
    this.session.detach(this.handle, WRONG_WAY);
  }

  settle(deliveryId: number, state: DeliveryState | undefined, settled: boolean): boolean {
    if (!settled && state !== undefined) {
      this.session.settled(false, [{ first: deliveryId, last: deliveryId, state: ACCEPTED }]);
    }
    const isDone = settled || state !== undefined;
    if (isDone && this.#unsettled-- === MAX_UNSETTLED) setImmediate(this.#pump);
    return isDone;
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

  #pump = (): void => {
    let sent = 0;
    while (!this.#isOver && sent < this.#waiting.length && this.#maySend()) {
      const message = this.#waiting[sent]!;
      sent += 1;
      this.#queuedBytes -= message.length;
      this.#send(message);
    }
    if (this.#isOver) return;
    if (sent > 0) this.#waiting = this.#waiting.slice(sent);
    if (this.#waiting.length === 0) this.#sayDrained();
    else if (this.#credit > 0 && this.#unsettled < MAX_UNSETTLED && !this.#isStopped) {
      this.#isStopped = true;
      this.session.onceRoom(() => {
        this.#isStopped = false;
        this.#pump();
      });
    }
    if (this.#isDraining && this.#waiting.length === 0) this.#useUp();
  };

  #maySend(): boolean {
    return this.#credit > 0 && this.#unsettled < MAX_UNSETTLED && this.session.hasRoom;
  }

  #send(message: Buffer): void {
    if (message.length > this.#maxBytes) {
      const description = `A message of ${message.length} bytes came; the receiver takes ${this.#maxBytes}.`;
      this.session.detach(this.handle, { condition: 'amqp:link:message-size-exceeded', description });
      return;
    }
    this.#credit -= 1;
    this.#deliveryCount = (this.#deliveryCount + 1) >>> 0;
    if (!this.isSettled) this.#unsettled += 1;
    this.session.send(this, NOTHING, message);
  }

  /** What comes next waits for new credit. */
  #useUp(): void {
    if (!this.#isDraining || (this.#waiting.length > 0 && this.#credit > 0 && this.#unsettled < MAX_UNSETTLED)) return;
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
      'not-implemented',
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

/** Nobody had it before. */
function headOf({ stored }: DispatchedEvent): Buffer {
  return countBytes({ attempt: 1, redelivery: 'no', cycle: '', priority: priorityOf(stored.attributes) });
}

function withLength(head: Buffer, bare: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + head.length + bare.length);
  bytes.writeUInt32BE(head.length + bare.length);
  bytes.set(head, LENGTH_BYTES);
  bytes.set(bare, LENGTH_BYTES + head.length);
  return bytes;
}
