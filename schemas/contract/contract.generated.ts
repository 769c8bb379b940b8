// Generated from the .avsc files by `npm run schemas`; not to be changed by hand.

/** The draft of a contract was changed, or its document was. */
export interface ContractDraftChanged {
  /** Number of the contract. At most 20 characters. */
  Contract: string;
  /** What the contract is about. At most 80 characters. */
  Title: string;
  /** Business partner the contract is with. At most 10 characters. */
  Counterparty: string;
  /** Value of the contract without taxes. A decimal of 16 digits, 3 of them decimal places. */
  NetAmount: string;
  /** Currency of the amount, as ISO 4217 names it. At most 3 characters. */
  Currency: string;
  /** First day of validity. ISO 8601 (date). */
  ValidFrom: string;
  /** Last day of validity; none for a contract without end. ISO 8601 (date). `null` when left out. */
  ValidTo?: string | null;
  /** Kind of contract. `"OTHER"` when left out. */
  Kind?: ContractKind;
  /** When the draft was changed. ISO 8601 (timestamp-millis). */
  ChangedAt: string;
  /** A remark for those who read the draft. At most 500 characters. `null` when left out. */
  Remark?: string | null;
  /** The document as it is now; none as long as there is none. `null` when left out. */
  Document?: DocumentReference | null;
}

export type ContractKind = 'OTHER' | 'FRAMEWORK' | 'PURCHASE' | 'SALES' | 'SERVICE';

/** Where a document lies, and what it must be. */
export interface DocumentReference {
  /** Address of the document; a path is one of the gateway. At most 2048 characters. */
  href: string;
  /** Media type of the document. At most 127 characters. */
  mediaType: string;
  /** Size of the document in bytes. A string beyond 2^53. */
  sizeBytes: number | string;
  /** SHA-256 of the document, in hexadecimal digits. At most 64 characters. */
  sha256: string;
}

/** A contract was drafted. */
export interface ContractDraftCreated {
  /** Number of the contract. At most 20 characters. */
  Contract: string;
  /** What the contract is about. At most 80 characters. */
  Title: string;
  /** Business partner the contract is with. At most 10 characters. */
  Counterparty: string;
  /** Value of the contract without taxes. A decimal of 16 digits, 3 of them decimal places. */
  NetAmount: string;
  /** Currency of the amount, as ISO 4217 names it. At most 3 characters. */
  Currency: string;
  /** First day of validity. ISO 8601 (date). */
  ValidFrom: string;
  /** Last day of validity; none for a contract without end. ISO 8601 (date). `null` when left out. */
  ValidTo?: string | null;
  /** Kind of contract. `"OTHER"` when left out. */
  Kind?: ContractKind;
  /** When the draft was created. ISO 8601 (timestamp-millis). */
  CreatedAt: string;
  /** A remark for those who read the draft. At most 500 characters. `null` when left out. */
  Remark?: string | null;
}

/** A contract was signed by all parties. */
export interface ContractSigned {
  /** Number of the contract. At most 20 characters. */
  Contract: string;
  /** Business partner the contract is with. At most 10 characters. */
  Counterparty: string;
  /** Value of the contract without taxes. A decimal of 16 digits, 3 of them decimal places. */
  NetAmount: string;
  /** Currency of the amount, as ISO 4217 names it. At most 3 characters. */
  Currency: string;
  /** First day the contract is in force. ISO 8601 (date). */
  EffectiveFrom: string;
  /** When the last signature was given. ISO 8601 (timestamp-millis). */
  SignedAt: string;
  /** Who gave the last signature. At most 80 characters. `null` when left out. */
  SignedBy?: string | null;
  /** The signed document. */
  Document: DocumentReference;
}

/** A signed contract was terminated. */
export interface ContractTerminated {
  /** Number of the contract. At most 20 characters. */
  Contract: string;
  /** Business partner the contract is with. At most 10 characters. */
  Counterparty: string;
  /** Why it was terminated. At most 500 characters. */
  Reason: string;
  /** Day from which the contract is no longer in force. ISO 8601 (date). */
  EffectiveOn: string;
  /** When the termination was recorded. ISO 8601 (timestamp-millis). */
  TerminatedAt: string;
}

/** The event types of contract, to be named in code: `@EventPattern(ContractEvent.DraftChanged)`. */
export const ContractEvent = {
  /** The draft of a contract was changed, or its document was. */
  DraftChanged: 'heddle.contract.v1.Contract.DraftChanged.v1',
  /** A contract was drafted. */
  DraftCreated: 'heddle.contract.v1.Contract.DraftCreated.v1',
  /** A contract was signed by all parties. */
  Signed: 'heddle.contract.v1.Contract.Signed.v1',
  /** A signed contract was terminated. */
  Terminated: 'heddle.contract.v1.Contract.Terminated.v1',
} as const;
export type ContractEvent = (typeof ContractEvent)[keyof typeof ContractEvent];

/** The data of each event type of contract. */
export interface ContractEvents {
  /** The draft of a contract was changed, or its document was. */
  'heddle.contract.v1.Contract.DraftChanged.v1': ContractDraftChanged;
  /** A contract was drafted. */
  'heddle.contract.v1.Contract.DraftCreated.v1': ContractDraftCreated;
  /** A contract was signed by all parties. */
  'heddle.contract.v1.Contract.Signed.v1': ContractSigned;
  /** A signed contract was terminated. */
  'heddle.contract.v1.Contract.Terminated.v1': ContractTerminated;
}
