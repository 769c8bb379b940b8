import { HeddleError, uuidv7 } from '@heddle/event';
import type { Outbox, Relay } from '@heddle/outbox';
import type { BusinessPartnerRepository, StoredPartner } from './business-partner.repository.js';
import type { ListQuery, NewPartner, PartnerPatch } from './business-partner.shape.js';
import { type BusinessPartnerEvent, changePartner, createPartner } from './business-partner.js';
import { type Expected, type OriginOfChange, checkExpected } from './preconditions.js';

type Tx = Parameters<Parameters<BusinessPartnerRepository['transaction']>[0]>[0];

/** One method, one transaction: rule, repository, outbox; the relay is woken once it has committed. */
export class BusinessPartnerService {
  constructor(
    private readonly partners: BusinessPartnerRepository,
    private readonly outbox: Pick<Outbox, 'raise'>,
    private readonly relay: Pick<Relay, 'wake'>,
  ) {}

  /** @throws HeddleError `conflict` for a number that is taken */
  async create(input: NewPartner, origin: OriginOfChange): Promise<StoredPartner> {
    return this.#commit(async (tx) => {
      for (;;) {
        const number = input.BusinessPartner ?? (await this.partners.drawNumber(tx));
        const { partner, events } = createPartner(input, number, uuidv7(), new Date());
        if (await this.partners.insert(tx, partner)) {
          await this.#raise(tx, number, 1, events, origin);
          return { key: number, version: 1, partner };
        }
        // A drawn number that a client had chosen before is passed over.
        if (input.BusinessPartner !== undefined) {
          throw new HeddleError('conflict', `Business partner ${number} is there already.`, {
            field: 'BusinessPartner',
          });
        }
      }
    });
  }

  /** @throws HeddleError `not-found` */
  async read(key: string): Promise<StoredPartner> {
    const stored = await this.partners.find(key);
    if (stored === undefined) throw notFound(key);
    return stored;
  }

  async list({ limit, after = '' }: ListQuery): Promise<{ partners: StoredPartner[]; hasMore: boolean }> {
    const partners = await this.partners.list(limit + 1, after);
    return { partners: partners.slice(0, limit), hasMore: partners.length > limit };
  }

  /** A change that changes nothing leaves the partner and its version alone, and raises nothing. */
  async change(key: string, patch: PartnerPatch, expected: Expected, origin: OriginOfChange): Promise<StoredPartner> {
    return this.#commit(async (tx) => {
      const stored = await this.partners.lock(tx, key);
      if (stored === undefined) throw notFound(key);
      checkExpected(expected, stored.version);
      const { partner, events } = changePartner(stored.partner, patch, new Date());
      if (events.length === 0) return stored;
      const after: StoredPartner = { key, version: stored.version + 1, partner };
      // Both go to the server together; a failure of either rolls back both.
      await Promise.all([this.partners.update(tx, after), this.#raise(tx, key, after.version, events, origin)]);
      return after;
    });
  }

  async #commit<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const result = await this.partners.transaction(work);
    this.relay.wake();
    return result;
  }

  #raise(
    tx: Tx,
    key: string,
    version: number,
    events: readonly BusinessPartnerEvent[],
    origin: OriginOfChange,
  ): Promise<void> {
    return this.outbox.raise(
      tx,
      events.map(({ type, data }) => ({ type, key, data, version, ...origin })),
    );
  }
}

function notFound(key: string): HeddleError {
  return new HeddleError('not-found', `There is no business partner ${key}.`);
}
