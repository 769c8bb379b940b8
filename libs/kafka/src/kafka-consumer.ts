import { ConsumerWork, mustNotBeStalled } from '@heddle/event';
import type { ConsumeOptions, Consumer, ConsumerStatus, KeyWork, PartitionBounds } from '@heddle/event';
import { setTimeout as delay } from 'node:timers/promises';
import type { DeadLetters } from './dead-letters.js';
import { GroupMember, type TopicPartition, nameOf } from './group-member.js';
import type { LogParts } from './kafka-reader.js';
import { SESSION_MS, troubleOf } from './member-signs.js';
import { PartitionIntake } from './partition-intake.js';

interface Share extends TopicPartition {
  intake: PartitionIntake;
  work: KeyWork;
  committed: number;
}

export interface ConsumerLimits {
  /** How long stopping waits for what is being handled. */
  stopPatienceMs: number;
}

const COMMIT_EVERY_MS = 500;
const RETRY_MS = 200;
const HEARTBEAT_MS = 1000;

/** A member of a group whose handled events move the group's committed offsets, and nothing else does. */
export class KafkaGroupConsumer implements Consumer {
  private readonly shares = new Map<string, Share>();
  private readonly work: ConsumerWork;
  private readonly member: GroupMember;
  private readonly placed = Promise.withResolvers<void>();
  private isStopped = false;
  private committing: Promise<void> | undefined;
  private ticker: NodeJS.Timeout | undefined;
  private joins = 0;
  /** Topics that were not there at the start: what they have is all new, whatever `from` says. */
  private readonly late = new Set<string>();

  constructor(
    private readonly parts: LogParts,
    private readonly options: ConsumeOptions,
    deadLetters: DeadLetters,
    private readonly limits: ConsumerLimits,
  ) {
    this.work = new ConsumerWork(options, {
      deadLetter: (failed) => deadLetters.add(options.group, failed),
      log: parts.log,
      firstWaitMs: RETRY_MS,
    });
    this.member = new GroupMember(parts.kafka, parts.directory, {
      group: options.group,
      topics: options.topics,
      sessionTimeoutMs: SESSION_MS,
      heartbeatMs: HEARTBEAT_MS,
      onJoin: (assigned) => this.onJoin(assigned),
      onRebalance: () => void this.commit(),
      onFetched: (fetched) => this.shares.get(nameOf(fetched))?.intake.push(fetched),
      log: parts.log,
    });
  }

  /** Resolves when this member has joined and its partitions have their places. */
  async start(): Promise<void> {
    for (const topic of this.options.topics) {
      if ((await this.parts.directory.find(topic)) === undefined) this.late.add(topic);
    }
    this.ticker = setInterval(() => void this.commit(), COMMIT_EVERY_MS);
    this.work.start(() => void this.status());
    this.member.start();
    if (this.late.size < this.options.topics.length) await this.placed.promise;
    else this.parts.log('warn', 'consume.topics-missing', { group: this.options.group, topics: [...this.late] });
  }

  status(): ConsumerStatus {
    const partitions = Array.from(this.shares.values(), ({ topic, partition, intake, work }) => {
      const { doneTo } = work;
      return { topic, partition, doneTo, lag: Math.max(intake.end - doneTo, 0) };
    });
    const hasJoined = this.joins > 0;
    const trouble = hasJoined ? troubleOf(this.member, partitions.length, Date.now()) : undefined;
    return this.work.status({ isStopped: this.isStopped, hasJoined, trouble, partitions });
  }

  async ping(): Promise<void> {
    mustNotBeStalled(this.options.group, this.status());
  }

  async stop(): Promise<void> {
    if (this.isStopped) return;
    this.isStopped = true;
    this.placed.resolve();
    const shares = [...this.shares.values()];
    for (const share of shares) share.intake.stop();
    const patience = new AbortController();
    await Promise.race([
      Promise.all(shares.map((share) => share.work.drain())),
      delay(this.limits.stopPatienceMs, undefined, { signal: patience.signal }).catch(() => undefined),
    ]);
    patience.abort();
    for (const share of shares) void this.work.end(share.work);
    clearInterval(this.ticker);
    this.work.stop();
    await this.committing;
    await this.commit();
    await this.member.stop();
  }

  private onJoin(assigned: readonly TopicPartition[]): void {
    this.joins += 1;
    const names = new Set(assigned.map(nameOf));
    for (const [name, share] of this.shares) {
      if (names.has(name)) this.member.seek(share.topic, share.partition, share.intake.position);
      else this.drop(share);
    }
    void this.place(assigned, this.joins);
  }

  private drop(share: Share): void {
    share.intake.stop();
    void this.work.end(share.work);
    this.shares.delete(nameOf(share));
  }

  private async place(assigned: readonly TopicPartition[], join: number): Promise<void> {
    while (!this.isStopped && join === this.joins) {
      try {
        const topics = [...new Set(assigned.map((at) => at.topic))];
        for (const topic of topics) await this.placeTopic(topic, assigned, join);
        this.placed.resolve();
        return;
      } catch (error) {
        const message = error instanceof Error ? error.message : '';
        this.parts.log('warn', 'consume.place', { group: this.options.group, message });
        await delay(RETRY_MS);
      }
    }
  }

  private async placeTopic(topic: string, assigned: readonly TopicPartition[], join: number): Promise<void> {
    const { group } = this.options;
    const bounds = await this.parts.directory.bounds(topic);
    const answers = await this.parts.admin.use((admin) => admin.fetchOffsets({ groupId: group, topics: [topic] }));
    if (join !== this.joins) return;
    const committed = new Map(answers[0]?.partitions.map((at) => [at.partition, Number(at.offset)]));
    const isLate = this.late.has(topic);
    const resolved: (TopicPartition & { offset: number })[] = [];
    for (const { partition } of assigned.filter((at) => at.topic === topic)) {
      const range = bounds.find((at) => at.partition === partition);
      if (range === undefined) continue;
      const stored = committed.get(partition) ?? -1;
      const share = this.shares.get(nameOf({ topic, partition }));
      if (share !== undefined) {
        // Another member was here in between and got further.
        if (stored <= share.intake.position) continue;
        this.drop(share);
      }
      const from = this.beginOf(topic, range, stored, isLate);
      this.begin(topic, partition, from, stored);
      if (stored < 0) resolved.push({ topic, partition, offset: from });
    }
    // "Latest" becomes an offset before anything is handled: a crash must not move it.
    if (resolved.length > 0) await this.member.commit(resolved).catch(() => undefined);
  }

  private beginOf(topic: string, range: PartitionBounds, stored: number, isLate: boolean): number {
    const { group, from } = this.options;
    // kafkajs commits -2 of its own accord when an offset is gone from the log: it stands for the start.
    if (stored === -1) return from === 'latest' && !isLate ? range.end : range.earliest;
    if (stored >= range.earliest && stored <= range.end) return stored;
    this.parts.log('warn', 'consume.gap', {
      group,
      topic,
      partition: range.partition,
      from: stored,
      to: range.earliest,
    });
    return range.earliest;
  }

  private begin(topic: string, partition: number, from: number, committed: number): void {
    const work = this.work.begin(topic, partition, from);
    const intake = new PartitionIntake({
      topic,
      partition,
      from,
      decoder: this.parts.decoder,
      hand: (batch) => work.add(batch.events, batch.nextOffset),
      setAside: (message, foreign) => this.parts.setAside.add(topic, partition, message, foreign),
      bounds: async () => (await this.parts.directory.bounds(topic)).find((at) => at.partition === partition),
      onGap: (gap) => this.parts.log('warn', 'consume.gap', { group: this.options.group, ...gap }),
      flow: (isWanted) => (isWanted ? this.member.resume(topic, partition) : this.member.pause(topic, partition)),
      log: this.parts.log,
    });
    this.shares.set(nameOf({ topic, partition }), { topic, partition, intake, work, committed });
    this.member.seek(topic, partition, from);
  }

  private commit(): Promise<void> {
    this.committing ??= this.commitDone().finally(() => (this.committing = undefined));
    return this.committing;
  }

  private async commitDone(): Promise<void> {
    const offsets: (TopicPartition & { offset: number; share: Share })[] = [];
    for (const share of this.shares.values()) {
      const offset = share.work.doneTo;
      if (offset > share.committed) offsets.push({ topic: share.topic, partition: share.partition, offset, share });
    }
    if (offsets.length === 0) return;
    try {
      await this.member.commit(offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset })));
      for (const { share, offset } of offsets) share.committed = Math.max(share.committed, offset);
    } catch (error) {
      // During a rebalance, or while the broker is away: the next tick says the same again.
      const message = error instanceof Error ? error.message : '';
      this.parts.log('debug', 'consume.commit', { group: this.options.group, message });
    }
  }
}
