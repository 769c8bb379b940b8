import { HeddleError } from '@heddle/event';
import { describe, expect, it } from 'vitest';
import {
  type Change,
  attachDocument,
  changeDraft,
  draftContract,
  signContract,
  terminateContract,
} from './contract.js';
import { type NewContract, contractPatchShape, newContractShape } from './contract.shape.js';

const now = new Date('2026-01-31T12:00:00.000Z');
const later = new Date('2026-02-14T09:30:00.000Z');
const content = { mediaType: 'application/pdf', sizeBytes: 482_133, sha256: 'a'.repeat(64) };
const other = { ...content, sha256: 'b'.repeat(64) };

const input = (more: object = {}): NewContract =>
  newContractShape.parse({
    Title: 'Supply of bearings',
    Counterparty: '0001000667',
    NetAmount: '125000.000',
    ValidFrom: '2026-04-01',
    ...more,
  });

const draft = draftContract(input(), 'C-1', now).contract;
const documented = attachDocument(draft, content, now).contract;
const signing = { SignedBy: 'Head of Purchasing' };
const signed = signContract(documented, signing, later).contract;
const terminated = terminateContract(signed, { Reason: 'Notice' }, later).contract;

const terms = {
  Contract: 'C-1',
  Title: 'Supply of bearings',
  Counterparty: '1000667',
  NetAmount: '125000',
  Currency: 'EUR',
  ValidFrom: '2026-04-01',
  ValidTo: null,
  Kind: 'OTHER',
  Remark: null,
};
const reference = { href: `/v1/objects/contract/C-1/document?sha256=${content.sha256}`, ...content };

const typesOf = ({ events }: Change): string[] =>
  events.map(({ type }) => type.replace('heddle.contract.v1.Contract.', ''));

const codeOf = (rule: () => unknown): string => {
  try {
    rule();
    return 'no error';
  } catch (error) {
    return error instanceof HeddleError ? error.code : String(error);
  }
};

describe('a draft', () => {
  it('raises DraftCreated with its terms', () => {
    const change = draftContract(input(), 'C-1', now);
    expect(typesOf(change)).toEqual(['DraftCreated.v1']);
    expect(change.events[0]?.data).toEqual({ ...terms, CreatedAt: now.toISOString() });
    expect(change.contract).toMatchObject({ Status: 'DRAFT', Document: null, SignedAt: null });
  });

  it('raises DraftChanged with its terms and document as they are after it, and nothing when no field differs', () => {
    const change = changeDraft(documented, contractPatchShape.parse({ Remark: 'Prices of February' }), later);
    expect(typesOf(change)).toEqual(['DraftChanged.v1']);
    expect(change.events[0]?.data).toEqual({
      ...terms,
      Remark: 'Prices of February',
      Document: reference,
      ChangedAt: later.toISOString(),
    });
    for (const same of [{}, { NetAmount: '0125000.00' }, { Counterparty: '0001000667' }, { ValidTo: null }]) {
      expect(changeDraft(draft, contractPatchShape.parse(same), later)).toEqual({ contract: draft, events: [] });
    }
  });

  it('does not end before it begins', () => {
    expect(codeOf(() => draftContract(input({ ValidTo: '2026-03-31' }), 'C-1', now))).toBe('data-invalid');
    expect(codeOf(() => changeDraft(draft, { ValidTo: '2026-03-31' }, now))).toBe('data-invalid');
    expect(codeOf(() => changeDraft(draft, { ValidTo: '2026-04-01' }, now))).toBe('no error');
  });
});

describe('a document', () => {
  it('takes the place of the one before, and is told of by its hash; the same one changes nothing', () => {
    const change = attachDocument(draft, content, later);
    expect(typesOf(change)).toEqual(['DraftChanged.v1']);
    expect(change.contract.Document).toEqual(reference);
    expect(change.events[0]?.data).toMatchObject({ Document: reference });
    expect(attachDocument(documented, content, later)).toEqual({ contract: documented, events: [] });
    expect(attachDocument(documented, other, later).contract.Document).toMatchObject({ sha256: other.sha256 });
  });
});

describe('a signature', () => {
  it('raises Signed with what was signed, in force from the day that is said or the first of its validity', () => {
    const change = signContract(documented, signing, later);
    expect(typesOf(change)).toEqual(['Signed.v1']);
    expect(change.events[0]?.data).toEqual({
      Contract: 'C-1',
      Counterparty: '1000667',
      NetAmount: '125000',
      Currency: 'EUR',
      EffectiveFrom: '2026-04-01',
      SignedAt: later.toISOString(),
      SignedBy: 'Head of Purchasing',
      Document: reference,
    });
    const sooner = signContract(documented, { SignedBy: null, EffectiveFrom: '2026-03-01' }, later).contract;
    expect(sooner).toMatchObject({ Status: 'SIGNED', EffectiveFrom: '2026-03-01' });
  });

  it('needs a document, and is given once', () => {
    expect(codeOf(() => signContract(draft, signing, later))).toBe('conflict');
    expect(codeOf(() => signContract(signed, signing, later))).toBe('conflict');
  });

  it('freezes terms and document, for good', () => {
    for (const frozen of [signed, terminated]) {
      expect(codeOf(() => changeDraft(frozen, { Title: 'Supply of wheels' }, later))).toBe('conflict');
      expect(codeOf(() => attachDocument(frozen, other, later))).toBe('conflict');
      expect(codeOf(() => attachDocument(frozen, content, later))).toBe('conflict');
    }
  });
});

describe('a termination', () => {
  it('raises Terminated with the reason and the day, which is today where none is said, and not before it is in force', () => {
    const change = terminateContract(signed, { Reason: 'Notice', EffectiveOn: '2026-06-30' }, later);
    expect(typesOf(change)).toEqual(['Terminated.v1']);
    expect(change.events[0]?.data).toEqual({
      Contract: 'C-1',
      Counterparty: '1000667',
      Reason: 'Notice',
      EffectiveOn: '2026-06-30',
      TerminatedAt: later.toISOString(),
    });
    expect(change.contract).toMatchObject({ Status: 'TERMINATED', TerminationReason: 'Notice' });
    const inForce = signContract(documented, { SignedBy: null, EffectiveFrom: '2026-01-01' }, now).contract;
    expect(terminateContract(inForce, { Reason: 'x' }, later).contract.TerminationEffectiveOn).toBe('2026-02-14');
    expect(terminated.TerminationEffectiveOn).toBe('2026-04-01');
    expect(codeOf(() => terminateContract(signed, { Reason: 'x', EffectiveOn: '2026-03-31' }, later))).toBe('conflict');
  });

  it('is for what is signed, once', () => {
    expect(codeOf(() => terminateContract(documented, { Reason: 'x' }, later))).toBe('conflict');
    expect(codeOf(() => terminateContract(terminated, { Reason: 'x' }, later))).toBe('conflict');
  });
});

describe('the shapes', () => {
  it('name each wrong field, and bring keys into their one form', () => {
    const outcome = newContractShape.safeParse({
      Contract: 'C 1',
      Title: '',
      Counterparty: '1000667',
      NetAmount: '1e3',
      Currency: 'euro',
      ValidFrom: '1 April',
      Kind: 'MARRIAGE',
      Colour: 'red',
    });
    expect(
      outcome.error?.issues.flatMap((issue) => ('keys' in issue ? issue.keys : [issue.path.join('.')])).toSorted(),
    ).toEqual(['Colour', 'Contract', 'Currency', 'Kind', 'NetAmount', 'Title', 'ValidFrom']);
    expect(input({ Contract: '0000004711' })).toMatchObject({ Contract: '4711', Counterparty: '1000667' });
  });
});
