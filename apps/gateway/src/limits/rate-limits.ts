import type { LimitValues } from './limit.settings.js';
import type { NearLimits } from './near-limit.js';
import { TokenBuckets } from './token-buckets.js';

/** What became of a cost, and what is left of the scarcest of the rates it counts towards. */
export interface Taken {
  allowed: boolean;
  /** Whose rate this is. */
  policy: 'client' | 'tenant' | 'address';
  /** At once; and as many in `windowSeconds`. */
  limit: number;
  windowSeconds: number;
  remaining: number;
  /** Until there is enough for what was refused; until all of it is there again, for what was allowed. */
  resetSeconds: number;
}

const TOKEN_WINDOW_SECONDS = 10;

/** How often clients and tenants may ask, and addresses of whom nobody knows who it is, at this instance. */
export class RateLimits {
  readonly #clients: TokenBuckets;
  readonly #tenants: TokenBuckets;
  readonly #addresses: TokenBuckets;

  constructor(
    values: Pick<
      LimitValues,
      'limitClientEventsPerSecond' | 'limitTenantEventsPerSecond' | 'limitAddressTokensPerSecond'
    >,
    private readonly near: Pick<NearLimits, 'note'>,
    private readonly now: () => number = () => performance.now(),
  ) {
    const { limitClientEventsPerSecond, limitTenantEventsPerSecond, limitAddressTokensPerSecond } = values;
    this.#clients = new TokenBuckets(limitClientEventsPerSecond, limitClientEventsPerSecond);
    this.#tenants = new TokenBuckets(limitTenantEventsPerSecond, limitTenantEventsPerSecond);
    this.#addresses = new TokenBuckets(limitAddressTokensPerSecond, limitAddressTokensPerSecond * TOKEN_WINDOW_SECONDS);
  }

  /** Takes a cost from a client and from its tenant; from neither, when one of them has not got it. */
  take(tenant: string, client: string, cost: number): Taken {
    const now = this.now();
    const name = `${tenant}/${client}`;
    if (!this.#clients.has(name, cost, now)) return this.#refused('client', this.#clients, tenant, name, cost, now);
    if (!this.#tenants.has(tenant, cost, now)) return this.#refused('tenant', this.#tenants, tenant, tenant, cost, now);
    this.#clients.take(name, cost, now);
    this.#tenants.take(tenant, cost, now);
    const ofClient = this.#clients.left(name, now) / this.#clients.capacity;
    const ofTenant = this.#tenants.left(tenant, now) / this.#tenants.capacity;
    return ofClient <= ofTenant
      ? this.#allowed('client', this.#clients, tenant, name, now)
      : this.#allowed('tenant', this.#tenants, tenant, tenant, now);
  }

  /** Takes one request for a token from an address: nobody knows yet who it is, and guessing is to be slow. */
  takeToken(address: string): Taken {
    const now = this.now();
    const buckets = this.#addresses;
    if (!buckets.has(address, 1, now)) return this.#refused('address', buckets, undefined, address, 1, now);
    buckets.take(address, 1, now);
    return this.#allowed('address', buckets, undefined, address, now);
  }

  #allowed(
    policy: Taken['policy'],
    buckets: TokenBuckets,
    tenant: string | undefined,
    name: string,
    now: number,
  ): Taken {
    const left = buckets.left(name, now);
    this.near.note(buckets.capacity - left, buckets.capacity, tenant, () => `rate/${policy}/${name}`);
    return this.#taken(true, policy, buckets, left, buckets.secondsUntil(name, buckets.capacity, now));
  }

  #refused(
    policy: Taken['policy'],
    buckets: TokenBuckets,
    tenant: string | undefined,
    name: string,
    cost: number,
    now: number,
  ): Taken {
    this.near.note(buckets.capacity, buckets.capacity, tenant, () => `rate/${policy}/${name}`);
    return this.#taken(false, policy, buckets, buckets.left(name, now), buckets.secondsUntil(name, cost, now));
  }

  #taken(
    allowed: boolean,
    policy: Taken['policy'],
    { capacity, perSecond }: TokenBuckets,
    left: number,
    resetSeconds: number,
  ): Taken {
    const remaining = Math.max(0, Math.floor(left));
    return { allowed, policy, limit: capacity, windowSeconds: capacity / perSecond, remaining, resetSeconds };
  }
}
