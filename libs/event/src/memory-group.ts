import { setTimeout as delay } from 'node:timers/promises';
import type { ConsumeOptions, Consumer, PartitionBounds, ReadOptions, Reader, StoredEvent } from './event-log.js';
import { KeyWork, Slots } from './key-work.js';

/** An event that a group gave up on. */
export interface MemoryDeadLetter {
  group: string;
  event: StoredEvent;
  error: unknown;
}

export interface GroupSettings {
  group: string;
  retryMs: number;
  stopPatienceMs: number;
  read(options: ReadOptions): Promise<Reader>;
  /** The bounds of each partition, or nothing for a topic that is not there yet. */
  partitionsOf(topic: string): readonly PartitionBounds[] | undefined;
  deadLetter(letter: MemoryDeadLetter): void;
}

interface Member {
  options: ConsumeOptions;
  reader: Reader | undefined;
  work: Map<string, KeyWork>;
}

const CONCURRENCY = 64;

/** A consumer group in memory: partitions are shared out anew whenever a member comes or goes. */
export class MemoryGroup {
  private readonly members: Member[] = [];
  private readonly committed = new Map<string, number>();
  private sharing = Promise.resolve();

  constructor(private readonly settings: GroupSettings) {}

  async join(options: ConsumeOptions): Promise<Consumer> {
    const member: Member = { options, reader: undefined, work: new Map() };
    if (options.from === 'latest') this.beginAtEnd(options.topics);
    await this.share(() => this.members.push(member));
    return { stop: () => this.leave(member) };
  }

  async stop(): Promise<void> {
    for (const member of [...this.members]) await this.leave(member);
  }

  private async leave(member: Member): Promise<void> {
    const index = this.members.indexOf(member);
    if (index >= 0) await this.share(() => this.members.splice(index, 1));
  }

  /** Stops all members, keeps how far they got, changes who there is, and starts the rest. */
  private share(change: () => void): Promise<void> {
    this.sharing = this.sharing.then(async () => {
      await Promise.all(this.members.map((member) => this.halt(member)));
      change();
      for (const [index, member] of this.members.entries()) member.reader = await this.start(member, index);
    });
    return this.sharing;
  }

  private async halt(member: Member): Promise<void> {
    await member.reader?.stop();
    for (const [name, work] of member.work) {
      const patience = new AbortController();
      const { signal } = patience;
      await Promise.race([
        work.revoke(),
        delay(this.settings.stopPatienceMs, undefined, { signal }).catch(() => undefined),
      ]);
      patience.abort();
      this.committed.set(name, Math.max(work.doneTo, this.committed.get(name) ?? 0));
    }
    member.work.clear();
  }

  private start(member: Member, index: number): Promise<Reader> {
    const slots = new Slots(CONCURRENCY);
    const isOwn = (partition: number): boolean => partition % this.members.length === index;
    return this.settings.read({
      topics: member.options.topics,
      from: (topic, bounds) => {
        const name = `${topic}/${bounds.partition}`;
        const from = Math.max(this.committed.get(name) ?? 0, bounds.earliest);
        if (isOwn(bounds.partition)) member.work.set(name, this.workOf(member, from, slots));
        return from;
      },
      onBatch: ({ topic, partition, events, nextOffset }) =>
        member.work.get(`${topic}/${partition}`)?.add(events, nextOffset),
    });
  }

  private workOf(member: Member, from: number, slots: Slots): KeyWork {
    return new KeyWork({
      from,
      slots,
      handle: (event: StoredEvent) => member.options.handle(event),
      deadLetter: (event, error) => {
        this.settings.deadLetter({ group: this.settings.group, event, error });
        return Promise.resolve(true);
      },
      onFailure: () => undefined,
      retryMs: this.settings.retryMs,
    });
  }

  private beginAtEnd(topics: readonly string[]): void {
    for (const topic of topics) {
      for (const { partition, end } of this.settings.partitionsOf(topic) ?? []) {
        const name = `${topic}/${partition}`;
        if (!this.committed.has(name)) this.committed.set(name, end);
      }
    }
  }
}
