import { isDeepStrictEqual } from 'node:util';
import { HeddleError, fieldInvalid } from '@heddle/event';
import type { ContractEvents } from '@heddle/schemas';
import type { Contract, ContractPatch, NewContract, Signing, Termination } from './contract.shape.js';

type EventName = keyof ContractEvents;

/** An event that a change raises. */
export type ContractEvent = { [T in EventName]: { type: T; data: ContractEvents[T] } }[EventName];

/** What a rule decides: the state after it and the events it raises. No events means that nothing changed. */
export interface Change {
  contract: Contract;
  events: readonly ContractEvent[];
}

/** What a document is, without where it is. */
export interface DocumentContent {
  mediaType: string;
  sizeBytes: number;
  /** In hexadecimal digits. */
  sha256: string;
}

const PREFIX = 'heddle.contract.v1.Contract';

/** Every event type that this service raises. */
export const CONTRACT_TYPES: readonly EventName[] = [
  `${PREFIX}.DraftCreated.v1`,
  `${PREFIX}.DraftChanged.v1`,
  `${PREFIX}.Signed.v1`,
  `${PREFIX}.Terminated.v1`,
];

/** @throws HeddleError `data-invalid` for a validity that ends before it begins */
export function draftContract(input: NewContract, number: string, now: Date): Change {
  const at = now.toISOString();
  const contract: Contract = {
    ...input,
    Contract: number,
    Status: 'DRAFT',
    Document: null,
    EffectiveFrom: null,
    SignedAt: null,
    SignedBy: null,
    TerminationReason: null,
    TerminationEffectiveOn: null,
    TerminatedAt: null,
    CreatedAt: at,
    LastChangeDateTime: at,
  };
  mustEndAfterItBegins(contract);
  return { contract, events: [{ type: `${PREFIX}.DraftCreated.v1`, data: { ...terms(contract), CreatedAt: at } }] };
}

/** @throws HeddleError `conflict` once it is signed, `data-invalid` as {@link draftContract} */
export function changeDraft(contract: Contract, patch: ContractPatch, now: Date): Change {
  const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  const changed = { ...contract, ...given } as Contract;
  if (isDeepStrictEqual(changed, contract)) return { contract, events: [] };
  mustBeDraft(contract);
  mustEndAfterItBegins(changed);
  return draftChanged(changed, now);
}

/** Puts a document in the place of the one before, if any. @throws HeddleError `conflict` once it is signed */
export function attachDocument(contract: Contract, content: DocumentContent, now: Date): Change {
  mustBeDraft(contract);
  const document = { href: hrefOf(contract.Contract, content.sha256), ...content };
  if (isDeepStrictEqual(document, contract.Document)) return { contract, events: [] };
  return draftChanged({ ...contract, Document: document }, now);
}

/** From here on neither terms nor document change. @throws HeddleError `conflict` when signed, or without a document */
export function signContract(contract: Contract, { SignedBy, EffectiveFrom }: Signing, now: Date): Change {
  mustBeDraft(contract);
  const { Contract: number, Counterparty, NetAmount, Currency, Document } = contract;
  if (Document === null) {
    throw new HeddleError('conflict', `Contract ${number} has no document: attach what is to be signed first.`, {
      field: 'Document',
    });
  }
  const SignedAt = now.toISOString();
  const force = EffectiveFrom ?? contract.ValidFrom;
  const signed: Contract = {
    ...contract,
    Status: 'SIGNED',
    EffectiveFrom: force,
    SignedAt,
    SignedBy,
    LastChangeDateTime: SignedAt,
  };
  const data = {
    Contract: number,
    ...{ Counterparty, NetAmount, Currency },
    EffectiveFrom: force,
    ...{ SignedAt, SignedBy, Document },
  };
  return { contract: signed, events: [{ type: `${PREFIX}.Signed.v1`, data }] };
}

/** @throws HeddleError `conflict` for a draft, for one that is terminated, and for a day before it came into force */
export function terminateContract(contract: Contract, { Reason, EffectiveOn }: Termination, now: Date): Change {
  const { Contract: number, Counterparty, Status, EffectiveFrom } = contract;
  if (Status !== 'SIGNED') {
    const why = Status === 'DRAFT' ? 'was never signed' : 'is terminated already';
    throw new HeddleError('conflict', `Contract ${number} ${why}: there is nothing to terminate.`);
  }
  const TerminatedAt = now.toISOString();
  const end = EffectiveOn ?? later(EffectiveFrom ?? '', TerminatedAt.slice(0, 10));
  if (EffectiveFrom !== null && end < EffectiveFrom) {
    throw new HeddleError(
      'conflict',
      `Contract ${number} comes into force on ${EffectiveFrom}: it cannot end before.`,
      {
        field: 'EffectiveOn',
      },
    );
  }
  const terminated: Contract = {
    ...contract,
    Status: 'TERMINATED',
    TerminationReason: Reason,
    TerminationEffectiveOn: end,
    TerminatedAt,
    LastChangeDateTime: TerminatedAt,
  };
  const data = { Contract: number, Counterparty, Reason, EffectiveOn: end, TerminatedAt };
  return { contract: terminated, events: [{ type: `${PREFIX}.Terminated.v1`, data }] };
}

/** @throws HeddleError `conflict` */
export function mustBeDraft({ Contract: number, Status }: Contract): void {
  if (Status === 'DRAFT') return;
  const what = Status === 'SIGNED' ? 'signed' : 'terminated';
  throw new HeddleError(
    'conflict',
    `Contract ${number} is ${what}: neither its terms nor its document change any more.`,
  );
}

function draftChanged(contract: Contract, now: Date): Change {
  const at = now.toISOString();
  const changed = { ...contract, LastChangeDateTime: at };
  const data = { ...terms(changed), Document: changed.Document, ChangedAt: at };
  return { contract: changed, events: [{ type: `${PREFIX}.DraftChanged.v1`, data }] };
}

function mustEndAfterItBegins({ ValidFrom, ValidTo }: Contract): void {
  if (ValidTo === null || ValidTo >= ValidFrom) return;
  throw fieldInvalid('ValidTo', `must not be before ValidFrom, ${ValidFrom}`);
}

/** By its hash, so that whoever follows it is given this document or none. */
function hrefOf(number: string, sha256: string): string {
  return `/v1/objects/contract/${encodeURIComponent(number)}/document?sha256=${sha256}`;
}

/** What is agreed, as drafts are told of. */
function terms(contract: Contract) {
  const { Title, Counterparty, NetAmount, Currency, ValidFrom, ValidTo, Kind, Remark } = contract;
  return { Contract: contract.Contract, Title, Counterparty, NetAmount, Currency, ValidFrom, ValidTo, Kind, Remark };
}

/** Days as ISO 8601 writes them are in the order of their text. */
const later = (one: string, other: string): string => (one > other ? one : other);
