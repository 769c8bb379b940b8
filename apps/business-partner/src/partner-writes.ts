import { type ChangeRequest, type OriginOfChange, mayMatch } from '@heddle/mesh';
import type { ChangeBy, Payload } from '@heddle/odata';
import { shapeError } from '@heddle/runtime';
import type { Transaction } from 'kysely';
import type { z } from 'zod';
import type { BusinessPartnerRepository, BusinessPartnerTables } from './business-partner.repository.js';
import type { BusinessPartnerService } from './business-partner.service.js';
import { type BusinessPartner, newPartnerShape, partnerPatchShape } from './business-partner.shape.js';

/** Changes of partners within one transaction, as the entities of OData are changed: by the methods of the service. */
export class PartnerWrites {
  constructor(
    private readonly service: BusinessPartnerService,
    private readonly partners: BusinessPartnerRepository,
    private readonly tx: Transaction<BusinessPartnerTables>,
  ) {}

  /** @throws HeddleError as the service, `data-invalid` naming the fields */
  async create(input: Payload, by: ChangeBy): Promise<string> {
    const { key } = await this.service.create(read(newPartnerShape, input), originOf(by));
    return key;
  }

  async change(key: string, patch: Payload, by: ChangeBy): Promise<BusinessPartner> {
    const { state } = await this.service.change(requestOf(key, by), read(partnerPatchShape, patch));
    return state;
  }

  /** Changes something of which a partner has several, which its patch says as a whole: as they are now, and locked. */
  async edit(key: string, by: ChangeBy, editOf: (partner: BusinessPartner) => Payload): Promise<BusinessPartner> {
    const stored = await this.partners.lock(this.tx, key);
    // What is not there is said by the service.
    return this.change(key, stored === undefined ? {} : editOf(stored.state), by);
  }
}

function requestOf(key: string, { headers }: ChangeBy): ChangeRequest {
  return mayMatch({ params: { key }, headers });
}

function originOf({ headers }: ChangeBy): OriginOfChange {
  return mayMatch({ params: { key: 'new' }, headers }).origin;
}

function read<T extends z.ZodType>(shape: T, input: unknown): z.output<T> {
  const result = shape.safeParse(input);
  if (!result.success) throw shapeError(result.error.issues);
  return result.data;
}
