/** An event as a receiver has it: CloudEvents JSON format. */
export interface CloudEvent {
  specversion: string;
  id: string;
  source: string;
  type: string;
  subject: string;
  time: string;
  datacontenttype: string;
  dataschema?: string;
  dataref?: string;
  sequence?: string;
  partitionkey?: string;
  resumetoken?: string;
  data: Record<string, unknown>;
}

export const OPENED = 'heddle.stream.v1.Stream.Opened.v1';
export const ORDER_CREATED = 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1';
export const ORDER_CHANGED = 'sap.s4.beh.salesorder.v1.SalesOrder.Changed.v1';
export const ORDER_DELETED = 'sap.s4.beh.salesorder.v1.SalesOrder.Deleted.v1';
export const ORDERS = 'sap.s4.beh.salesorder.v1.SalesOrder*';
export const CONTRACT_SIGNED = 'heddle.contract.v1.Contract.Signed.v1';

/** The version that a reference asks for at least. */
export function versionOf({ dataref = '' }: Pick<CloudEvent, 'dataref'>): number {
  return Number(new URL(dataref, 'http://nowhere').searchParams.get('version'));
}

/** A contract that was signed, as its publisher describes it. */
export function contractSigned(key: string, data: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    Contract: key,
    Counterparty: '17100002',
    NetAmount: '1250.5',
    Currency: 'EUR',
    EffectiveFrom: '2026-02-01',
    SignedAt: '2026-01-31T12:00:00.000Z',
    SignedBy: null,
    Document: {
      href: 'https://documents.example.com/contract.pdf',
      mediaType: 'application/pdf',
      sizeBytes: 482_133,
      sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    },
    ...data,
  };
}
