import { type Caller, Permissions, permissionMissing, requirePermission } from '@heddle/auth';
import { type StoredEvent, fieldInvalid, isRawTopic } from '@heddle/event';
import type { QueueDefinition } from './queue.js';

/** What a queue keeps of the rights of whom it was made by: what becomes of its events hangs on these. */
const KEPT = ['fetch', 'unmask'] as const;
/** Types whose rights are remembered; publishers may bring types without end. */
const MAX_TYPES = 1000;

/** The rights that a queue gets from whoever makes or changes it. */
export function rightsOf({ permissions }: Caller): string[] {
  return KEPT.flatMap((verb) => {
    const patterns = permissions.patterns(verb, 'type');
    const told = patterns.includes('*') ? ['*'] : patterns;
    return told.map((pattern) => `${verb}:type:${pattern}`);
  });
}

/** What may be done with the events of a queue, by their types: asked for each event, so it is remembered. */
export class QueueRights {
  /** Whether nothing of what it may deliver has to be masked. */
  readonly seesAll: boolean;
  readonly #permissions: Permissions;
  readonly #sees = new Map<string, boolean>();

  constructor({ rights = [], types, topicPatterns = [] }: Pick<QueueDefinition, 'rights' | 'types' | 'topicPatterns'>) {
    this.#permissions = Permissions.of(rights);
    const covered = topicPatterns.map((pattern) => typesOfPattern(pattern) ?? '*');
    this.seesAll = [...types, ...covered].every((pattern) => this.unmasks(pattern));
  }

  /** Whether what is personal in events of a type is for its receivers. */
  sees(type: string): boolean {
    return this.seesAll || this.unmasks(type);
  }

  /** The same of a type that may be none of its own. */
  unmasks(type: string): boolean {
    let sees = this.#sees.get(type);
    if (sees === undefined) {
      sees = this.#permissions.allows('unmask', 'type', type);
      if (this.#sees.size >= MAX_TYPES) this.#sees.clear();
      this.#sees.set(type, sees);
    }
    return sees;
  }

  /** Whether the objects that events of a type are about are for its receivers. */
  fetches(type: string): boolean {
    return this.#permissions.allows('fetch', 'type', type);
  }
}

/**
 * Nobody gets by a pattern of topics what it may not see: each is permitted as such (`consume:topic:…`), or by the event
 * types that it stands for (`consume:type:…`).
 *
 * @throws HeddleError `permission-missing`
 */
export function requireTopics(caller: Caller, patterns: readonly string[]): void {
  const { permissions } = caller;
  for (const pattern of patterns) {
    const types = typesOfPattern(pattern);
    if (permissions.allows('consume', 'topic', pattern)) continue;
    if (types === undefined || !permissions.allows('consume', 'type', types)) {
      throw permissionMissing(caller, `consume:topic:${pattern}`);
    }
  }
}

/** `<namespace>/ce/` and the event types below it, as a pattern of types; nothing where it may stand for other topics. */
function typesOfPattern(pattern: string): string | undefined {
  const [, path] = /^[^/*]+\/[^/*]+\/[^/*]+\/ce\/([^.]+)$/.exec(pattern) ?? [];
  return path?.replaceAll('/', '.');
}

/** Whether somebody may have an event: by its type, or, of what was published to an address, by that. */
export function mayConsume(caller: Caller, { topic, attributes }: Pick<StoredEvent, 'topic' | 'attributes'>): boolean {
  if (isRawTopic(topic)) return mayConsumeAddress(caller, attributes['address'] ?? '');
  return caller.permissions.allows('consume', 'type', attributes.type);
}

/** Whether somebody may have what is published to an address; of what is none, whoever may have every topic. */
export function mayConsumeAddress({ permissions }: Caller, address: string): boolean {
  const kind = address.startsWith('queue:') ? 'queue' : 'topic';
  return permissions.allows('consume', kind, address.startsWith(`${kind}:`) ? address.slice(kind.length + 1) : '*');
}

/**
 * A dead message queue is one that is there, and that whoever names it may fill.
 *
 * @param exists whether the tenant has a queue of this name
 * @throws HeddleError `data-invalid`, `permission-missing`
 */
export function requireDeadLetterQueue(caller: Caller, name: string, to: string, exists: boolean): void {
  const { permissions } = caller;
  if (!permissions.allows('publish', 'queue', to) && !permissions.allows('manage', 'queue', to)) {
    throw permissionMissing(caller, `publish:queue:${to}`);
  }
  const rule =
    to === name ? 'must be another queue' : exists ? undefined : 'must be a queue that is there: make it first';
  if (rule !== undefined) throw fieldInvalid('deadLetterQueue', rule);
}

/** Nobody makes a queue of what it may not see. @throws HeddleError `permission-missing` */
export function requireSources(caller: Caller, types: readonly string[]): void {
  for (const pattern of types) requirePermission(caller, 'consume', 'type', pattern);
}

/** Whether somebody may know of a queue, or of a webhook, of this name. */
export function maySee({ permissions }: Caller, name: string): boolean {
  return (
    permissions.allows('manage', 'queue', name) ||
    permissions.allows('consume', 'queue', name) ||
    permissions.allows('replay', 'queue', name)
  );
}

/** @throws HeddleError `permission-missing` */
export function requireSight(caller: Caller, name: string): void {
  if (!maySee(caller, name)) throw permissionMissing(caller, `consume:queue:${name}`);
}
