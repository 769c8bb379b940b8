import { setTimeout as delay } from 'node:timers/promises';
import type { ConsumeOptions, Consumer, ConsumerStatus } from './consume.js';
import { ConsumerWork, mustNotBeStalled } from './consumer-work.js';
import type { PartitionBounds, ReadOptions, Reader } from './event-log.js';
import type { FailedEvent } from './handling-ground.js';
import type { KeyWork } from './key-work.js';
import type { StoredEvent } from './stored-event.js';

/** An event that a group gave up on. */
export interface MemoryDeadLetter {
  group: string;
  event: StoredEvent;
  error: unknown;
  attempts: number;
}

export interface GroupSettings {
  group: string;
  /** The first delay before a failed event is handled again, when the consumer has no schedule of its own. */
  retryMs: number;
  stopPatienceMs: number;
  log(level: 'warn' | 'error', event: string, fields: Record<string, unknown>): void;
  read(options: ReadOptions): Promise<Reader>;
  /** The bounds of each partition, or nothing for a topic that is not there yet. */
  partitionsOf(topic: string): readonly PartitionBounds[] | undefined;
  /** False when it could not be written. */
  deadLetter(letter: MemoryDeadLetter): boolean;
}

interface Member {
  options: ConsumeOptions;
  work: ConsumerWork;
  reader: Reader | undefined;
  partitions: Map<string, KeyWork>;
  isStopped: boolean;
}

const ATTEMPTS = 5;

/** A consumer group in memory: partitions are shared out anew whenever a member comes or goes. */
export class MemoryGroup {
  private readonly members: Member[] = [];
  private readonly committed = new Map<string, number>();
  private sharing = Promise.resolve();

  constructor(private readonly settings: GroupSettings) {}

  async join(options: ConsumeOptions): Promise<Consumer> {
    const { group, retryMs } = this.settings;
    const work = new ConsumerWork(options, {
      deadLetter: async (failed: FailedEvent) => this.settings.deadLetter({ group, ...failed }),
      log: (level, event, fields) => this.settings.log(level, event, fields),
      retry: { attempts: ATTEMPTS, firstMs: retryMs },
      firstWaitMs: retryMs,
    });
    const member: Member = { options, work, reader: undefined, partitions: new Map(), isStopped: false };
    if (options.from === 'latest') this.beginAtEnd(options.topics);
    work.start(() => void this.statusOf(member));
    await this.share(() => {
      this.members.push(member);
      return Promise.resolve();
    });
    return {
      status: () => this.statusOf(member),
      ping: async () => mustNotBeStalled(group, this.statusOf(member)),
      stop: () => this.leave(member),
    };
  }

  async stop(): Promise<void> {
    for (const member of [...this.members]) await this.leave(member);
  }

  private async leave(member: Member): Promise<void> {
    if (member.isStopped) return;
    member.isStopped = true;
    await this.share(async () => {
      await member.reader?.stop();
      const works = [...member.partitions];
      await this.patiently(works.map(([, work]) => work.drain()));
      for (const [name, work] of works) void this.giveUp(member, name, work);
      this.members.splice(this.members.indexOf(member), 1);
      member.work.stop();
    });
  }

  /** One change at a time: the members change, then the partitions are shared out among those there are. */
  private share(change: () => Promise<void>): Promise<void> {
    this.sharing = this.sharing.then(async () => {
      await change();
      const ended: Promise<void>[] = [];
      for (const [index, member] of this.members.entries()) {
        await member.reader?.stop();
        for (const [name, work] of member.partitions) {
          if (!this.isOf(index, work.partition)) ended.push(this.giveUp(member, name, work));
        }
      }
      // A real log would not wait; here it keeps repeats few.
      await this.patiently(ended);
      for (const [index, member] of this.members.entries()) member.reader = await this.start(member, index);
    });
    return this.sharing;
  }

  private giveUp(member: Member, name: string, work: KeyWork): Promise<void> {
    member.partitions.delete(name);
    const keep = (): void => void this.committed.set(name, Math.max(work.doneTo, this.committed.get(name) ?? 0));
    keep();
    return member.work.end(work).then(keep);
  }

  private async patiently(work: readonly Promise<void>[]): Promise<void> {
    const patience = new AbortController();
    const { signal } = patience;
    const late = delay(this.settings.stopPatienceMs, undefined, { signal }).catch(() => undefined);
    await Promise.race([Promise.all(work), late]);
    patience.abort();
  }

  private isOf(index: number, partition: number): boolean {
    return partition % this.members.length === index;
  }

  private start(member: Member, index: number): Promise<Reader> {
    return this.settings.read({
      topics: member.options.topics,
      from: (topic, bounds) => {
        const name = `${topic}/${bounds.partition}`;
        const from = Math.max(this.committed.get(name) ?? 0, bounds.earliest);
        if (!this.isOf(index, bounds.partition)) return from;
        const kept = member.partitions.get(name);
        if (kept !== undefined) return kept.nextOffset;
        member.partitions.set(name, member.work.begin(topic, bounds.partition, from));
        return from;
      },
      onBatch: ({ topic, partition, events, nextOffset }) =>
        member.partitions.get(`${topic}/${partition}`)?.add(events, nextOffset),
    });
  }

  private statusOf(member: Member): ConsumerStatus {
    const { isStopped } = member;
    const partitions = Array.from(member.partitions.values(), ({ topic, partition, doneTo }) => {
      const end = this.settings.partitionsOf(topic)?.[partition]?.end ?? doneTo;
      return { topic, partition, doneTo, lag: end - doneTo };
    });
    return member.work.status({ isStopped, hasJoined: member.reader !== undefined, partitions });
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
