import { type TypeMatcher, isRawTopic } from '@heddle/event';
import type { DispatchedEvent, Form } from '../represent.js';
import { type PositionVector, movePast } from './resume-token.js';
import type { View } from './view.js';

/** Where the bytes of one stream go. */
export interface StreamSink {
  /** Bytes handed over that the network has not taken yet. */
  readonly queuedBytes: number;
  write(bytes: Buffer): void;
  /** Calls back once, when the network has taken all bytes. */
  onceDrained(callback: () => void): void;
  close(reason: StreamEnd): void;
}

/** Why a stream ends from here: the process stops, it could not go on, or its receiver may not stay. */
export type StreamEnd = 'stopping' | 'failed' | 'expired' | 'revoked';

/** A receiver at the live end of the log. */
export interface Member {
  sink: StreamSink;
  /**
   * It reads too slowly: it is out of the group, and everything after `token` is still to come for it, and of raw messages, where
   * it wants them, everything after `raw`.
   */
  onLag(token: string, raw: PositionVector): void;
}

/** What receivers have in common that are given the same bytes. */
export interface Selection {
  /** Whose events they are; those of others are not even looked at. */
  tenant: string;
  /** What `matches` was made from: receivers with the same patterns share a group. */
  patterns: readonly string[];
  matches: TypeMatcher;
  /** Whether messages that no event type knows are wanted, too. */
  wantsRaw?: boolean | undefined;
  view: View;
  form: Form;
}

interface TenantGroups {
  groups: Map<string, Group>;
  byType: Map<string, Group[]>;
}

/** Where nothing else is said. */
export const MAX_QUEUED_BYTES = 1024 * 1024;

/** The share of time that fan-out may take from everything else this process does. */
const MAX_BUSY_SHARE = 0.65;

/**
 * Hands live events to receivers. Those of a tenant who want the same types in the same form are one group: the bytes
 * are joined once for all of them, and each gets one write for all that is pending. The dearer a pass is, the longer the pause
 * before the next one, so that writes join by themselves as load rises, and a pass is immediate when it does not.
 */
export class FanOut {
  #tenants = new Map<string, TenantGroups>();
  #due = new Set<Group>();
  #scheduled = false;
  #nextPassAt = 0;

  /** @param maxQueuedBytes a receiver with more bytes queued is taken out of its group until it has read them */
  constructor(readonly maxQueuedBytes: number = MAX_QUEUED_BYTES) {}

  /** The group of a selection, made when it is the first of its kind. `token` and `raw` are the present live position. */
  group(selection: Selection, token: string, raw: PositionVector = new Map()): Group {
    const { tenant, patterns, view, form } = selection;
    let own = this.#tenants.get(tenant);
    if (own === undefined) this.#tenants.set(tenant, (own = { groups: new Map(), byType: new Map() }));
    const name = `${form.name} ${view.name} ${[...patterns].sort().join(' ')}`;
    let group = own.groups.get(name);
    if (group === undefined) {
      group = new Group(name, selection, token, raw);
      own.groups.set(name, group);
      own.byType.clear();
    }
    return group;
  }

  /** Adds a receiver that has everything up to now. */
  join(group: Group, member: Member): void {
    // What is pending was handed to the newcomer already; without this pass it would come twice.
    this.#flush(group);
    group.members.add(member);
  }

  leave(group: Group, member: Member): void {
    group.members.delete(member);
    if (group.members.size > 0) return;
    this.#due.delete(group);
    const { tenant } = group.selection;
    const own = this.#tenants.get(tenant);
    // The last one of a group may have left it before, when it fell behind.
    if (own?.groups.get(group.name) !== group) return;
    own.groups.delete(group.name);
    own.byType.clear();
    if (own.groups.size === 0) this.#tenants.delete(tenant);
  }

  get members(): number {
    let count = 0;
    for (const { groups } of this.#tenants.values()) {
      for (const group of groups.values()) count += group.members.size;
    }
    return count;
  }

  /** Hands an event to the receivers of its tenant. */
  publish(tenant: string, event: DispatchedEvent, isRaw = false): void {
    const own = this.#tenants.get(tenant);
    if (own === undefined) return;
    for (const group of groupsOf(own, event.stored.attributes.type)) {
      if (isRaw && group.selection.wantsRaw !== true) continue;
      group.pending.push(event);
      this.#due.add(group);
    }
    if (this.#due.size > 0) this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const wait = this.#nextPassAt - performance.now();
    if (wait < 1) setImmediate(() => this.#pass());
    else setTimeout(() => this.#pass(), wait);
  }

  #pass(): void {
    this.#scheduled = false;
    const started = performance.now();
    for (const group of this.#due) this.#flush(group);
    this.#nextPassAt = started + (performance.now() - started) / MAX_BUSY_SHARE;
  }

  #flush(group: Group): void {
    this.#due.delete(group);
    const last = group.pending.at(-1);
    if (last === undefined) return;
    const { view, form } = group.selection;
    const frames = group.pending.map((event) => view.of(event).as(form));
    const bytes = frames.length === 1 ? frames[0]! : Buffer.concat(frames);
    for (const member of group.members) {
      if (member.sink.queuedBytes > this.maxQueuedBytes) {
        group.members.delete(member);
        member.onLag(group.token, group.raw);
      } else {
        member.sink.write(bytes);
      }
    }
    if (group.selection.wantsRaw === true) {
      for (const { stored } of group.pending) if (isRawTopic(stored.topic)) movePast(group.raw, stored);
    }
    group.pending = [];
    group.token = last.token;
  }
}

function groupsOf({ groups, byType }: TenantGroups, type: string): Group[] {
  let wanting = byType.get(type);
  if (wanting === undefined) {
    wanting = [...groups.values()].filter(({ selection }) => selection.matches(type));
    byType.set(type, wanting);
  }
  return wanting;
}

/** Receivers of one selection. */
export class Group {
  readonly members = new Set<Member>();
  pending: DispatchedEvent[] = [];

  /** @param token resumes after the last event that was handed to the members, `raw` after the last raw message */
  constructor(
    readonly name: string,
    readonly selection: Selection,
    public token: string,
    readonly raw: PositionVector,
  ) {}
}
