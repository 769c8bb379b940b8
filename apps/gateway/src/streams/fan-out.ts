import type { TypeMatcher } from '@heddle/event';
import type { DispatchedEvent, Form } from '../represent.js';

/** Where the bytes of one stream go. */
export interface StreamSink {
  /** Bytes handed over that the network has not taken yet. */
  readonly queuedBytes: number;
  write(bytes: Buffer): void;
  /** Calls back once, when the network has taken all bytes. */
  onceDrained(callback: () => void): void;
  close(reason: 'stopping' | 'failed'): void;
}

/** A receiver at the live end of the log. */
export interface Member {
  sink: StreamSink;
  /** It reads too slowly: it is out of the group, and everything after `token` is still to come for it. */
  onLag(token: string): void;
}

/** Where nothing else is said. */
export const MAX_QUEUED_BYTES = 1024 * 1024;

/** The share of time that fan-out may take from everything else this process does. */
const MAX_BUSY_SHARE = 0.65;

/**
 * Hands live events to receivers. Those who want the same types in the same form are one group: the bytes are joined
 * once for all of them, and each gets one write for all that is pending. The dearer a pass is, the longer the pause
 * before the next one, so that writes join by themselves as load rises, and a pass is immediate when it does not.
 */
export class FanOut {
  #groups = new Map<string, Group>();
  #byType = new Map<string, Group[]>();
  #due = new Set<Group>();
  #scheduled = false;
  #nextPassAt = 0;

  /** @param maxQueuedBytes a receiver with more bytes queued is taken out of its group until it has read them */
  constructor(readonly maxQueuedBytes: number = MAX_QUEUED_BYTES) {}

  /** The group of a filter and form, made when it is the first of its kind. `token` is the present live position. */
  group(patterns: readonly string[], matches: TypeMatcher, form: Form, token: string): Group {
    const name = `${form.name} ${[...patterns].sort().join(' ')}`;
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new Group(name, matches, form, token);
      this.#groups.set(name, group);
      this.#byType.clear();
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
    this.#groups.delete(group.name);
    this.#due.delete(group);
    this.#byType.clear();
  }

  get members(): number {
    let count = 0;
    for (const group of this.#groups.values()) count += group.members.size;
    return count;
  }

  publish(event: DispatchedEvent): void {
    for (const group of this.#groupsOf(event.stored.attributes.type)) {
      group.pending.push(event);
      this.#due.add(group);
    }
    if (this.#due.size > 0) this.#schedule();
  }

  #groupsOf(type: string): Group[] {
    let groups = this.#byType.get(type);
    if (groups === undefined) {
      groups = [...this.#groups.values()].filter((group) => group.matches(type));
      this.#byType.set(type, groups);
    }
    return groups;
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
    const frames = group.pending.map((event) => event.as(group.form));
    const bytes = frames.length === 1 ? frames[0]! : Buffer.concat(frames);
    for (const member of group.members) {
      if (member.sink.queuedBytes > this.maxQueuedBytes) {
        group.members.delete(member);
        member.onLag(group.token);
      } else {
        member.sink.write(bytes);
      }
    }
    group.pending = [];
    group.token = last.token;
  }
}

/** Receivers with one filter and form. */
export class Group {
  readonly members = new Set<Member>();
  pending: DispatchedEvent[] = [];

  /** @param token resumes after the last event that was handed to the members */
  constructor(
    readonly name: string,
    readonly matches: TypeMatcher,
    readonly form: Form,
    public token: string,
  ) {}
}
