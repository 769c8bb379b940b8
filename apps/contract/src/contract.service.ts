import { HeddleError } from '@heddle/event';
import {
  type ChangeRequest,
  type Decision,
  type ListQuery,
  ObjectChanges,
  type OriginOfChange,
  type Page,
  type Stored,
  readPage,
} from '@heddle/mesh';
import type { Outbox, Relay } from '@heddle/outbox';
import type { Transaction } from 'kysely';
import type { ContractRepository, ContractTables } from './contract.repository.js';
import type { Contract, ContractPatch, NewContract, Signing, Termination } from './contract.shape.js';
import {
  type Change,
  attachDocument,
  changeDraft,
  draftContract,
  mustBeDraft,
  signContract,
  terminateContract,
} from './contract.js';
import type { Documents, IncomingDocument, StoredDocument } from './documents.js';

type StoredContract = Stored<Contract>;

/** One method, one transaction: rule, repository, outbox. */
export class ContractService {
  readonly #changes: ObjectChanges<ContractTables, Contract>;

  constructor(
    private readonly contracts: ContractRepository,
    private readonly documents: Documents,
    outbox: Pick<Outbox, 'raise'>,
    relay: Pick<Relay, 'wake'>,
  ) {
    this.#changes = new ObjectChanges({ name: 'contract', keyField: 'Contract' }, contracts, outbox, relay);
  }

  /** @throws HeddleError `reference-unknown` for a partner not heard of yet, `conflict` for a number that is taken */
  create(input: NewContract, origin: OriginOfChange): Promise<StoredContract> {
    return this.#changes.create(
      input.Contract,
      origin,
      (number, now) => decision(draftContract(input, number, now)),
      (tx) => this.#mustKnowPartner(tx, input.Counterparty),
    );
  }

  /** @throws HeddleError `not-found` */
  read(key: string): Promise<StoredContract> {
    return this.#changes.read(key);
  }

  list(query: ListQuery): Promise<Page<Contract>> {
    return readPage(this.contracts, query);
  }

  change(request: ChangeRequest, patch: ContractPatch): Promise<StoredContract> {
    return this.#changes.change(request, async (contract, now, tx) => {
      const { Counterparty } = patch;
      if (Counterparty !== undefined && Counterparty !== contract.Counterparty) {
        await this.#mustKnowPartner(tx, Counterparty);
      }
      return decision(changeDraft(contract, patch, now));
    });
  }

  /**
   * Takes a document in and makes it that of a draft; one that is there already changes nothing. No transaction waits
   * for its bytes: what the contract has become meanwhile decides.
   *
   * @throws HeddleError as {@link Documents.stage}, and `conflict` once the contract is signed
   */
  async attachDocument(request: ChangeRequest, document: IncomingDocument): Promise<StoredContract> {
    // Refused now what would be refused at the end, before anything is taken in.
    await this.#changes.change(request, (contract) => {
      mustBeDraft(contract);
      return { state: contract, events: [] };
    });
    const staged = await this.documents.stage(document);
    try {
      return await this.#changes.change(request, async (contract, now, tx) => {
        const { mediaType, sizeBytes, sha256 } = staged;
        const change = attachDocument(contract, { mediaType, sizeBytes, sha256 }, now);
        if (change.events.length > 0) await this.documents.attach(tx, request.key, staged);
        return decision(change);
      });
    } finally {
      await this.documents.discard(staged.id);
    }
  }

  /**
   * The document of a contract; with a hash, that one and no other.
   *
   * @throws HeddleError `not-found`, `conflict` when it is another one by now
   */
  async document(key: string, sha256: string | undefined): Promise<StoredDocument> {
    const found = await this.documents.find(key);
    if (found === undefined) {
      await this.read(key);
      throw new HeddleError('not-found', `Contract ${key} has no document yet.`);
    }
    if (sha256 === undefined || sha256 === found.sha256) return found;
    throw new HeddleError('conflict', `The document of contract ${key} is another one now: read the contract again.`, {
      field: 'sha256',
    });
  }

  sign(request: ChangeRequest, signing: Signing): Promise<StoredContract> {
    return this.#changes.change(request, (contract, now) => decision(signContract(contract, signing, now)));
  }

  terminate(request: ChangeRequest, termination: Termination): Promise<StoredContract> {
    return this.#changes.change(request, (contract, now) => decision(terminateContract(contract, termination, now)));
  }

  /** A business partner exists, as its owner says. */
  knowPartner(tx: Transaction<ContractTables>, key: string, sequence: number): Promise<void> {
    return this.contracts.knowPartner(tx, key, sequence);
  }

  async #mustKnowPartner(tx: Transaction<ContractTables>, key: string): Promise<void> {
    if (await this.contracts.isPartnerKnown(tx, key)) return;
    throw new HeddleError(
      'reference-unknown',
      `Business partner ${key} is not known here yet: if it was created just now, try again in a moment.`,
      { field: 'Counterparty', retryAfterSeconds: 1 },
    );
  }
}

function decision({ contract, events }: Change): Decision<Contract> {
  return { state: contract, events };
}
