import { HeddleError } from '@heddle/event';
import type { LimitValues } from './limit.settings.js';
import type { NearLimits } from './near-limit.js';

/** Whose connection it is, and where it comes from. */
export interface ConnectionOwner {
  tenant: string;
  client: string;
  address: string;
}

const ALL = '';

/** Counts the WebSockets and streams that are open at this instance: of a client, a tenant, an address, and in all. */
export class Connections {
  readonly #counts = {
    client: new Map<string, number>(),
    tenant: new Map<string, number>(),
    address: new Map<string, number>(),
    instance: new Map<string, number>(),
  };
  readonly #limits: Record<Kind, number>;

  constructor(
    values: Pick<
      LimitValues,
      'limitClientConnections' | 'limitTenantConnections' | 'limitAddressConnections' | 'limitConnections'
    >,
    private readonly near: Pick<NearLimits, 'note'>,
  ) {
    this.#limits = {
      client: values.limitClientConnections,
      tenant: values.limitTenantConnections,
      address: values.limitAddressConnections,
      instance: values.limitConnections,
    };
  }

  get open(): number {
    return this.#counts.instance.get(ALL) ?? 0;
  }

  /**
   * Counts a connection, before anything is made of it. Returns how to say that it has ended.
   *
   * @throws HeddleError `too-many-connections`, whose field says of what: `client`, `tenant`, `address` or `instance`
   */
  add({ tenant, client, address }: ConnectionOwner): () => void {
    const names: [Kind, string][] = [
      ['client', `${tenant}/${client}`],
      ['tenant', tenant],
      ['address', address],
      ['instance', ALL],
    ];
    for (const [kind, name] of names) {
      const limit = this.#limits[kind];
      const used = (this.#counts[kind].get(name) ?? 0) + 1;
      const isOfTenant = kind === 'client' || kind === 'tenant';
      this.near.note(used, limit, isOfTenant ? tenant : undefined, () => `connections/${kind}/${name}`);
      if (used > limit) throw tooMany(kind, limit);
    }
    for (const [kind, name] of names) this.#counts[kind].set(name, (this.#counts[kind].get(name) ?? 0) + 1);
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      for (const [kind, name] of names) {
        const left = (this.#counts[kind].get(name) ?? 1) - 1;
        if (left === 0) this.#counts[kind].delete(name);
        else this.#counts[kind].set(name, left);
      }
    };
  }
}

type Kind = 'client' | 'tenant' | 'address' | 'instance';

function tooMany(kind: Kind, limit: number): HeddleError {
  return new HeddleError('too-many-connections', `The ${kind} may have ${limit} connections open at once.`, {
    field: kind,
    retryAfterSeconds: 5,
  });
}
