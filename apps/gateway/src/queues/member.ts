import { isRawTopic, tenantOf } from '@heddle/event';
import type { Namespaces } from '../messages/namespaces.js';
import type { DispatchedEvent, Mask } from '../represent.js';
import type { MovingPosition } from '../streams/resume-token.js';
import type { Attachments } from './attachments.js';
import type { DeliveryQueue } from './delivery-queue.js';
import type { LogPages } from './log-pages.js';
import type { ChunkPut } from './parking.js';
import type { ProgressRecord } from './progress.js';
import { QueueRights } from './queue-rights.js';
import { QueueSelection } from './queue-selection.js';
import type { QueueDefinition } from './queue.js';
import type { StatefulQueue } from './state-writer.js';

/** A queue among those of this process, and how it stands to the shared reader. */
export class Member implements StatefulQueue {
  /** Partitions in which it has read all that the shared reader has: its own progress is not moved event by event there. */
  readonly #level = new Set<string>();
  /** Per partition the offset that was last noted for storing. */
  readonly #noted = new Map<string, number>();
  #selection: QueueSelection;
  #rights: QueueRights;
  #topics: ReadonlySet<string> | undefined;
  #roomWanted: (() => void) | undefined;
  isRefilling = false;
  isReadingAbsent = false;
  isClosed = false;
  /** Deleted: nothing more of it is written. */
  isGone = false;

  constructor(
    readonly queue: DeliveryQueue,
    readonly epoch: number,
    private readonly position: MovingPosition,
    /** Of use in a queue of shape `state`. */
    readonly attachments: Attachments,
    /** What it reads of the log again comes from here. */
    readonly pages: LogPages,
    private readonly of: { mask: Mask; namespaces: Namespaces },
  ) {
    this.#selection = new QueueSelection(queue.definition, of.namespaces);
    this.#rights = new QueueRights(queue.definition);
    this.#topics = topicsOf(queue.definition);
  }

  get definition(): QueueDefinition {
    return this.queue.definition;
  }

  /** The definition has changed. */
  redefined(): void {
    this.#selection = new QueueSelection(this.definition, this.of.namespaces);
    this.#rights = new QueueRights(this.definition);
    this.#topics = topicsOf(this.definition);
  }

  /** What its filter says is about what its receivers see: nobody learns by a filter what is masked for them. */
  wants(event: DispatchedEvent): boolean {
    if (!this.#selection.wants(event.stored) || !this.reads(event.stored.topic)) return false;
    return this.matches(event);
  }

  /** Whether its filter lets through what it wants. */
  matches(event: DispatchedEvent): boolean {
    return this.queue.filter.matches(this.shown(event).stored);
  }

  get selection(): QueueSelection {
    return this.#selection;
  }

  /** Only topics of its tenant, whatever the definition names; what is published to the queue by name comes always. */
  reads(topic: string): boolean {
    if (tenantOf(topic) !== this.definition.tenant) return false;
    return this.#topics === undefined || this.#topics.has(topic) || isRawTopic(topic);
  }

  get rights(): QueueRights {
    return this.#rights;
  }

  /** An event as its receivers may see it. */
  shown(event: DispatchedEvent): DispatchedEvent {
    const { topic, attributes } = event.stored;
    // To a queue's name anybody may send what is of none of its types.
    const isClear = isRawTopic(topic) ? this.#rights.unmasks(attributes.type) : this.#rights.sees(attributes.type);
    return isClear ? event : event.masked(this.of.mask);
  }

  /** Whether it is for a window of the log only. */
  get isWindow(): boolean {
    return this.definition.end !== undefined;
  }

  endOf(topic: string, partition: number): number {
    const { end } = this.definition;
    return end === undefined ? Infinity : (end[topic]?.[partition] ?? 0);
  }

  isLevel(name: string): boolean {
    return this.#level.has(name);
  }

  level(name: string): void {
    this.#level.add(name);
  }

  fellBehind(name: string): void {
    this.#level.delete(name);
  }

  record(topic: string, partition: number): ProgressRecord {
    this.#passLevel(topic, partition);
    const record = this.queue.record(topic, partition, this.epoch);
    this.#noted.set(`${topic}/${partition}`, record.through);
    return record;
  }

  drainParked(): ChunkPut[] {
    return this.queue.drainParked();
  }

  undrainParked(puts: readonly ChunkPut[]): void {
    this.queue.undrainParked(puts);
  }

  /** Level partitions that have passed at least so many events since that was last noted. */
  *passed(atLeast: number): Generator<{ topic: string; partition: number }> {
    for (const name of this.#level) {
      const at = name.lastIndexOf('/');
      const [topic, partition] = [name.slice(0, at), Number(name.slice(at + 1))];
      const through = this.position.next(topic, partition);
      const noted = this.#noted.get(name) ?? this.definition.start[topic]?.[partition] ?? 0;
      if (through - noted >= atLeast) yield { topic, partition };
    }
  }

  /** Resolves when there is room in the queue, or it was closed. */
  async room(): Promise<void> {
    if (this.isClosed || !this.queue.isFull) return;
    await new Promise<void>((resolve) => {
      this.#roomWanted = resolve;
    });
  }

  hasRoom(): void {
    this.#roomWanted?.();
    this.#roomWanted = undefined;
  }

  close(): void {
    for (const name of this.#level) {
      const at = name.lastIndexOf('/');
      this.#passLevel(name.slice(0, at), Number(name.slice(at + 1)));
    }
    this.#level.clear();
    this.isClosed = true;
    this.hasRoom();
  }

  #passLevel(topic: string, partition: number): void {
    if (!this.#level.has(`${topic}/${partition}`)) return;
    this.queue.pass(topic, partition, this.position.next(topic, partition));
  }
}

function topicsOf({ topics }: QueueDefinition): ReadonlySet<string> | undefined {
  return topics === undefined ? undefined : new Set(topics);
}
