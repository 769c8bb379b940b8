import { CONTROL_TOPICS } from '@heddle/event';
import type { SlotHandlers, SlotMember } from '@heddle/event';
import type { Kafka } from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import type { LogLine } from './kafka-client.js';
import { kafkaErrorType } from './kafka-errors.js';
import { type Cluster, type GroupCoordinator, clusterOf } from './kafkajs-cluster.js';
import { Rounds } from './rounds.js';
import {
  SLOT_PROTOCOL,
  assignSlots,
  decodeAssignment,
  decodeClaim,
  encodeAssignment,
  encodeClaim,
} from './slot-assigner.js';

/** The least a broker allows by default; who is silent for so long is replaced. */
const SESSION_MS = 6000;
/** How long the others wait for a member that does not come to a new division: as long as for its heartbeat. */
const REBALANCE_MS = 6000;
const HEARTBEAT_MS = 500;
/** The first heartbeat after a division: what changes hands does so by a second one right behind. */
const FIRST_HEARTBEAT_MS = 100;
/** Before the others can have what was ours: time for what is under way, and for clocks that run unevenly. */
const SAFETY_MS = 1000;
const COORDINATOR_RETRY_MS = 100;
const LEAVE_PATIENCE_MS = 2000;
const TOPIC = CONTROL_TOPICS.queues;

/** The group has a new generation, or is about to: membership goes on, by another join. */
const REJOIN = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION']);
/** The group does not know us any more: what was ours may be another's. */
const EVICTED = new Set(['UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID']);
const COORDINATOR_AWAY = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
]);

/**
 * One membership in the slot group, for as long as it is wanted. It speaks the group's requests itself: a kafkajs
 * consumer sends heartbeats only between its fetches, and cannot join a second time to take over what others gave up.
 *
 * As long as the group knows our member id we have been part of every division, and what we claimed was given to nobody
 * else; so the slots outlive lost connections and brokers that restart.
 */
export class SlotMembership implements SlotMember {
  readonly #rounds: Rounds;
  readonly #firstDivision = Promise.withResolvers<void>();
  #owned = new Set<number>();
  #memberId = '';
  #generation = -1;
  /** When the last request was sent that the group answered as to a member. */
  #signAt = Number.NEGATIVE_INFINITY;
  #cluster: Cluster | undefined;

  constructor(
    private readonly kafka: Kafka,
    private readonly group: string,
    private readonly handlers: SlotHandlers,
    private readonly log: LogLine,
  ) {
    this.#rounds = new Rounds({
      round: () => this.#round(),
      onFailure: (message, failures) => log('warn', 'slots.restart', { group, message, failures }),
      goodMs: SESSION_MS,
    });
  }

  /** Resolves with the first division that this member is part of, whenever that is. */
  start(): Promise<void> {
    this.#rounds.start();
    return this.#firstDivision.promise;
  }

  isCurrent(): boolean {
    return !this.#rounds.isStopped && performance.now() - this.#signAt < SESSION_MS - SAFETY_MS;
  }

  async leave(): Promise<void> {
    if (this.#rounds.isStopped) return;
    const ended = this.#rounds.stop();
    const memberId = this.#memberId;
    this.#revokeAll();
    const patience = new AbortController();
    const told = this.#tellGroup(memberId).then(async () => {
      await this.#cluster?.disconnect().catch(() => undefined);
      await ended;
    });
    await Promise.race([told, delay(LEAVE_PATIENCE_MS, undefined, { signal: patience.signal }).catch(() => undefined)]);
    patience.abort();
  }

  /** By a connection of its own, for a broker answers nothing else on one where a join is waiting. */
  async #tellGroup(memberId: string): Promise<void> {
    if (memberId === '') return;
    const cluster = clusterOf(this.kafka);
    try {
      const coordinator = await this.#coordinatorBy(cluster);
      await coordinator.leaveGroup({ groupId: this.group, memberId });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.log('warn', 'slots.leave', { group: this.group, message });
    } finally {
      await cluster.disconnect().catch(() => undefined);
    }
  }

  async #coordinatorBy(cluster: Cluster): Promise<GroupCoordinator> {
    await cluster.connect();
    await cluster.addMultipleTargetTopics([TOPIC]);
    return cluster.findGroupCoordinator({ groupId: this.group });
  }

  async #round(): Promise<void> {
    const cluster = clusterOf(this.kafka);
    this.#cluster = cluster;
    try {
      while (!this.#rounds.isStopped) {
        const coordinator = await this.#coordinatorBy(cluster);
        const type = await this.#stay(coordinator).then(() => undefined, kafkaErrorTypeOrThrow);
        if (type === undefined) return;
        this.log('info', 'slots.again', { group: this.group, reason: type });
        if (EVICTED.has(type)) {
          this.#memberId = '';
          this.#generation = -1;
          this.#revokeAll();
        } else if (COORDINATOR_AWAY.has(type)) {
          await this.#rounds.wait(COORDINATOR_RETRY_MS);
        } else if (!REJOIN.has(type)) {
          throw new Error(`the group answered ${type}`);
        }
      }
    } finally {
      this.#cluster = undefined;
      await cluster.disconnect().catch(() => undefined);
    }
  }

  /** Takes part in a division, then sends heartbeats until the group has something to say. */
  async #stay(coordinator: GroupCoordinator): Promise<void> {
    while (!this.#rounds.isStopped) {
      // What we gave up finds its new owner in the division after this one.
      if (this.#take(await this.#divide(coordinator))) continue;
      await this.#rounds.wait(FIRST_HEARTBEAT_MS);
      while (!this.#rounds.isStopped) {
        const sentAt = performance.now();
        const { group: groupId } = this;
        await coordinator.heartbeat({ groupId, groupGenerationId: this.#generation, memberId: this.#memberId });
        this.#signed(sentAt);
        await this.#rounds.wait(HEARTBEAT_MS);
      }
    }
  }

  async #divide(coordinator: GroupCoordinator): Promise<number[]> {
    const { group: groupId } = this;
    const claim = { slots: [...this.#owned], generation: this.#generation };
    const joinedAt = performance.now();
    const { generationId, leaderId, memberId, members } = await coordinator.joinGroup({
      groupId,
      sessionTimeout: SESSION_MS,
      rebalanceTimeout: REBALANCE_MS,
      memberId: this.#memberId,
      groupProtocols: [{ name: SLOT_PROTOCOL, metadata: encodeClaim(TOPIC, claim) }],
    });
    this.#memberId = memberId;
    this.#signed(joinedAt);
    const syncedAt = performance.now();
    const { memberAssignment } = await coordinator.syncGroup({
      groupId,
      generationId,
      memberId,
      groupAssignment: memberId === leaderId ? divisionOf(members) : [],
    });
    this.#signed(syncedAt);
    this.#generation = generationId;
    return decodeAssignment(TOPIC, memberAssignment);
  }

  #signed(at: number): void {
    const wasCurrent = this.isCurrent();
    this.#signAt = at;
    if (!wasCurrent && this.isCurrent()) this.#tell(() => this.handlers.onRenewed());
  }

  /** Tells the handlers what has changed; whether something had to be given up. */
  #take(slots: readonly number[]): boolean {
    // Left while the group was dividing: everything has been given back.
    if (this.#rounds.isStopped) return false;
    const before = this.#owned;
    this.#owned = new Set(slots);
    const lost = [...before].filter((slot) => !this.#owned.has(slot));
    const got = slots.filter((slot) => !before.has(slot));
    this.log('info', 'slots.divided', { group: this.group, owned: slots.length, lost, got });
    if (lost.length > 0) this.#tell(() => this.handlers.onRevoked(lost));
    if (got.length > 0) this.#tell(() => this.handlers.onAssigned(got));
    this.#firstDivision.resolve();
    return lost.length > 0;
  }

  #revokeAll(): void {
    const lost = [...this.#owned];
    this.#owned.clear();
    if (lost.length > 0) this.#tell(() => this.handlers.onRevoked(lost));
  }

  #tell(what: () => void): void {
    try {
      what();
    } catch (error) {
      // Membership is not the handler's to break: what it owns, it owns.
      const message = error instanceof Error ? error.message : String(error);
      this.log('error', 'slots.handler-failed', { group: this.group, message });
    }
  }
}

function divisionOf(
  members: readonly { memberId: string; memberMetadata: Buffer }[],
): { memberId: string; memberAssignment: Buffer }[] {
  const claims = members.map(({ memberId, memberMetadata }) => decodeClaim(memberId, memberMetadata));
  return Array.from(assignSlots(claims), ([memberId, slots]) => ({
    memberId,
    memberAssignment: encodeAssignment(TOPIC, slots),
  }));
}

/** The protocol's own answers by name; what is none is thrown on. */
function kafkaErrorTypeOrThrow(error: unknown): string {
  const type = kafkaErrorType(error);
  if (type === undefined) throw error;
  return type;
}
