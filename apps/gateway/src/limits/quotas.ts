import { HeddleError } from '@heddle/event';
import type { LimitValues } from './limit.settings.js';
import type { NearLimits } from './near-limit.js';

/** What a tenant may have a number of. */
export type QuotaKind = 'queues' | 'webhooks' | 'clients';

/**
 * How many things a tenant may have. They are counted where one is made, by what that instance knows by then: instances
 * that make some at the same time may go past it by a few.
 */
export class Quotas {
  readonly #limits: Record<QuotaKind, number>;

  constructor(
    values: Pick<LimitValues, 'limitTenantQueues' | 'limitTenantWebhooks' | 'limitTenantClients'>,
    private readonly near: Pick<NearLimits, 'note'>,
  ) {
    this.#limits = {
      queues: values.limitTenantQueues,
      webhooks: values.limitTenantWebhooks,
      clients: values.limitTenantClients,
    };
  }

  /**
   * Lets a tenant that has so many make one more.
   *
   * 409, for what is in the way is there to be seen and can be removed (RFC 9110 §15.5.10); 429 would promise that
   * waiting helps, and 403 that it never may.
   *
   * @throws HeddleError `quota-exceeded`, whose field is the kind
   */
  admit(tenant: string, kind: QuotaKind, present: number): void {
    const limit = this.#limits[kind];
    this.near.note(present + 1, limit, tenant, () => kind);
    if (present < limit) return;
    throw new HeddleError('quota-exceeded', `The tenant may have ${limit} ${kind}: delete one first.`, { field: kind });
  }
}
