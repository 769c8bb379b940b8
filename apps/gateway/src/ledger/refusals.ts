import type { Caller } from '@heddle/auth';
import { HeddleError, LOCAL_TENANT } from '@heddle/event';
import type { AuditEntry, Ledger } from './ledger.js';

/** Somebody was not let in, or not let do something. */
export interface Refusal extends Pick<AuditEntry, 'action' | 'target' | 'detail'> {
  /** Nothing where nobody knows who it was. */
  by: Pick<Caller, 'tenant' | 'client'> | undefined;
  from: string;
}

interface Known {
  refusal: Refusal;
  /** How often it came again since it was written. */
  again: number;
}

interface OfTenant {
  known: Map<string, Known>;
  /** Refusals that were too many different ones, and how many. */
  others: number;
}

/** For so long a refusal that comes again is only counted. */
const WINDOW_MS = 5 * 60_000;
/** Different ones that a tenant's audit gets one by one in that time; further ones are a number. */
const MAX_KNOWN = 500;
/** The same of those whom nobody knows: anybody can be as many of them as it likes. */
const MAX_UNKNOWN = 50;

/** What ends a request or a connection because of who asks: the codes of errors that are such a refusal. */
const REFUSALS = new Set(['token-missing', 'token-invalid', 'permission-missing', 'origin-refused']);

/** Whether an error says that somebody was not let in, or not let do something. */
export function isRefusal(error: unknown): error is HeddleError {
  return error instanceof HeddleError && REFUSALS.has(error.code);
}

/**
 * Refusals on their way into the audit, bounded: the first of its kind is written at once, and when it comes again, how
 * often it did, once in five minutes. So whoever is refused without end fills no log, and is seen in it.
 */
export class Refusals {
  readonly #tenants = new Map<string, OfTenant>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly ledger: Pick<Ledger, 'audit'>) {}

  /** @returns whether it was written, and not only counted */
  note(refusal: Refusal): boolean {
    this.#timer ??= setTimeout(() => this.sum(), WINDOW_MS).unref();
    const { by, from, action, target } = refusal;
    const group = by === undefined ? '' : by.tenant;
    let own = this.#tenants.get(group);
    if (own === undefined) {
      own = { known: new Map(), others: 0 };
      this.#tenants.set(group, own);
    }
    const key = JSON.stringify([by?.client, from, action, target, refusal.detail?.['status']]);
    const known = own.known.get(key);
    if (known !== undefined) known.again += 1;
    else if (own.known.size >= (by === undefined ? MAX_UNKNOWN : MAX_KNOWN)) own.others += 1;
    else {
      own.known.set(key, { refusal, again: 0 });
      this.#write(refusal, refusal.detail);
      return true;
    }
    return false;
  }

  /** Writes how often what was refused came again, and begins anew. */
  sum(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [group, { known, others }] of this.#tenants) {
      for (const { refusal, again } of known.values()) {
        if (again > 0) this.#write(refusal, { ...refusal.detail, times: again });
      }
      const by = group === '' ? undefined : { tenant: group, client: '' };
      if (others > 0) this.#write({ by, from: '', action: 'access.refused', target: 'others' }, { times: others });
    }
    this.#tenants.clear();
  }

  /** Who did not say who it is is told to those who run the mesh: it has no tenant of its own. */
  #write({ by, from, action, target }: Refusal, detail: AuditEntry['detail']): void {
    const { tenant, client: who } = by ?? { tenant: LOCAL_TENANT, client: '' };
    this.ledger.audit({
      tenant,
      who,
      from,
      action,
      target,
      result: 'refused',
      ...(detail === undefined ? {} : { detail }),
    });
  }
}
