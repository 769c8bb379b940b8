import { uuidv7 } from '@heddle/event';
import {
  type ChangeRequest,
  type ListQuery,
  ObjectChanges,
  type OriginOfChange,
  type Page,
  type Stored,
  readPage,
} from '@heddle/mesh';
import type { Outbox, Relay } from '@heddle/outbox';
import type { Transaction } from 'kysely';
import type { HeardContract, PartnerContracts } from './partner-contracts.js';
import type { BusinessPartnerRepository, BusinessPartnerTables } from './business-partner.repository.js';
import type { BusinessPartner, NewPartner, PartnerPatch } from './business-partner.shape.js';
import { changePartner, createPartner } from './business-partner.js';

/** One method, one transaction: rule, repository, outbox. */
export class BusinessPartnerService {
  readonly #changes: ObjectChanges<BusinessPartnerTables, BusinessPartner>;

  constructor(
    private readonly partners: BusinessPartnerRepository,
    private readonly contracts: PartnerContracts,
    outbox: Pick<Outbox, 'raise'>,
    relay: Pick<Relay, 'wake'>,
  ) {
    const object = { name: 'business partner', keyField: 'BusinessPartner' };
    this.#changes = new ObjectChanges(object, partners, outbox, relay);
  }

  /** @throws HeddleError `conflict` for a number that is taken */
  create(input: NewPartner, origin: OriginOfChange): Promise<Stored<BusinessPartner>> {
    return this.#changes.create(input.BusinessPartner, origin, (number, now) => {
      const { partner, events } = createPartner(input, number, uuidv7(), now);
      return { state: partner, events };
    });
  }

  /** @throws HeddleError `not-found` */
  read(key: string): Promise<Stored<BusinessPartner>> {
    return this.#changes.read(key);
  }

  list(query: ListQuery): Promise<Page<BusinessPartner>> {
    return readPage(this.partners, query);
  }

  /**
   * @param given the patch, or what it is to be of the partner as it is then
   * @throws HeddleError `conflict` as {@link changePartner}
   */
  change(
    request: ChangeRequest,
    given: PartnerPatch | ((before: BusinessPartner) => PartnerPatch),
  ): Promise<Stored<BusinessPartner>> {
    return this.#changes.change(request, async (before, now, tx) => {
      const patch = typeof given === 'function' ? given(before) : given;
      const isLeaving = patch.IsMarkedForArchiving === true;
      const activeContracts = isLeaving ? await this.contracts.countActive(tx, request.key) : 0;
      const { partner, events } = changePartner(before, patch, now, activeContracts);
      return { state: partner, events };
    });
  }

  /** What a contract has come to, as its events say. */
  hearOfContract(tx: Transaction<BusinessPartnerTables>, key: string, contract: HeardContract): Promise<void> {
    return this.contracts.hear(tx, key, contract);
  }
}
