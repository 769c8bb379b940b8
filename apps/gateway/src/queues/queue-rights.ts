import { type Caller, Permissions, permissionMissing, requirePermission } from '@heddle/auth';
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

  constructor({ rights = [], types }: Pick<QueueDefinition, 'rights' | 'types'>) {
    this.#permissions = Permissions.of(rights);
    this.seesAll = types.every((pattern) => this.#permissions.allows('unmask', 'type', pattern));
  }

  /** Whether what is personal in events of a type is for its receivers. */
  sees(type: string): boolean {
    if (this.seesAll) return true;
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
