import { slotOf } from '@heddle/event';
import {
  ATTEMPT_OUTCOMES,
  type AttemptRecord,
  type AttemptRequest,
  FINAL_STATES,
  REDELIVERIES,
  type RequestTemplate,
} from './attempt.js';

/**
 * The data of a record of `heddle.attempts`. What many attempts have in common stands once, in `contexts`; a row is an
 * array, for names would take more room than values. Written as text, piece by piece: 15,000 a second are.
 */
export interface AttemptBatch {
  format: 1;
  /** Milliseconds since the epoch, which the rows count from. */
  at: number;
  contexts: BatchContext[];
  rows: BatchRow[];
}

export type BatchContext = [
  tenant: string,
  queue: string,
  uuid: string,
  cycle: string,
  topic: string,
  source: string,
  type: string,
  receiverKind: string,
  receiverName: string,
  template: RequestTemplate | 0,
  headerNames: string[],
];

export type BatchRow = [
  /** Index into `contexts`. */
  context: number,
  partition: number,
  offset: number,
  eventId: string,
  key: string,
  attempt: number,
  /** Milliseconds after `at`; may be negative. */
  begun: number,
  /** Tenths of a millisecond. */
  took: number,
  /** Outcome + 4 × (1 + final state, or 0) + 16 × redelivery, each by its place in its list. */
  code: number,
  /** 0 for none. */
  status: number,
  /** Tenths of a millisecond; −1 for none. */
  firstByte: number,
  details: BatchDetails | 0,
  /** Values of the headers that the context names; 0 where it is the id of the event. */
  ...headers: (string | 0)[],
];

/** What an attempt that went well on an open connection does not have. Phases in milliseconds. */
export interface BatchDetails {
  error?: string;
  class?: string;
  excerpt?: string;
  nextAt?: number;
  dns?: number;
  connect?: number;
  tls?: number;
  total?: number;
}

const MAX_ROWS = 500;
const MAX_CHARACTERS = 200_000;
const MAX_ERROR = 500;
const MAX_EXCERPT = 1024;
/** Contexts of one queue that are remembered; an endless stream of sources or cycles must not be. */
const MAX_CONTEXTS = 64;
/** Queues whose contexts are remembered. */
const MAX_QUEUES = 10_000;

/** What attempts have in common; found by the uuid of the queue, then by comparing. */
class Context {
  readonly slot: number;
  readonly text: string;
  /** The batch it stands in last, and where. */
  batch: Batch | undefined;
  index = 0;

  constructor(
    readonly of: AttemptRecord,
    readonly headerNames: readonly string[],
  ) {
    const { tenant, queue, uuid, cycle, topic, source, type, receiver, request } = of;
    this.slot = slotOf(tenant, queue);
    this.text = JSON.stringify([
      tenant,
      queue,
      uuid,
      cycle,
      topic,
      source,
      type,
      receiver.kind,
      receiver.name,
      request?.template ?? 0,
      headerNames,
    ] satisfies [...unknown[]]);
  }

  fits(record: AttemptRecord): boolean {
    const { of } = this;
    return (
      of.cycle === record.cycle &&
      of.type === record.type &&
      of.source === record.source &&
      of.topic === record.topic &&
      of.receiver.name === record.receiver.name &&
      of.receiver.kind === record.receiver.kind &&
      of.request?.template === record.request?.template &&
      this.#fitsHeaders(record.request)
    );
  }

  #fitsHeaders(request: AttemptRequest | undefined): boolean {
    const names = this.headerNames;
    if (request === undefined) return names.length === 0;
    const { headers } = request;
    if (headers.length !== names.length * 2) return false;
    for (let index = 0; index < names.length; index += 1) if (headers[index * 2] !== names[index]) return false;
    return true;
  }
}

interface Batch {
  key: string;
  at: number;
  contexts: string;
  contextCount: number;
  rows: string;
  rowCount: number;
}

/** A batch that is to be written: its text is an {@link AttemptBatch}. */
export interface FinishedBatch {
  /** `tenant/queue` of its first attempt, which places it in the slot of all the queues it is about. */
  key: string;
  text: string;
}

/** Joins attempts into batches, one open per slot. */
export class AttemptBatches {
  readonly #contexts = new Map<string, Context[]>();
  readonly #open: (Batch | undefined)[] = [];
  #full: FinishedBatch[] = [];

  add(record: AttemptRecord): void {
    const context = this.#contextOf(record);
    let batch = this.#open[context.slot];
    if (batch === undefined) {
      const key = `${record.tenant}/${record.queue}`;
      batch = { key, at: record.at, contexts: '', contextCount: 0, rows: '', rowCount: 0 };
      this.#open[context.slot] = batch;
    }
    if (context.batch !== batch) {
      context.batch = batch;
      context.index = batch.contextCount;
      batch.contexts += batch.contextCount === 0 ? context.text : `,${context.text}`;
      batch.contextCount += 1;
    }
    batch.rows += (batch.rowCount === 0 ? '[' : ',[') + rowOf(record, context.index, batch.at);
    batch.rowCount += 1;
    if (batch.rowCount < MAX_ROWS && batch.rows.length + batch.contexts.length < MAX_CHARACTERS) return;
    this.#full.push(finish(batch));
    this.#open[context.slot] = undefined;
  }

  /** All there is so far; what comes later begins new batches. */
  take(): FinishedBatch[] {
    const taken = this.#full;
    this.#full = [];
    for (let slot = 0; slot < this.#open.length; slot += 1) {
      const batch = this.#open[slot];
      if (batch === undefined) continue;
      taken.push(finish(batch));
      this.#open[slot] = undefined;
    }
    return taken;
  }

  #contextOf(record: AttemptRecord): Context {
    let known = this.#contexts.get(record.uuid);
    if (known === undefined) {
      if (this.#contexts.size >= MAX_QUEUES) this.#contexts.clear();
      this.#contexts.set(record.uuid, (known = []));
    }
    for (const context of known) if (context.fits(record)) return context;
    if (known.length >= MAX_CONTEXTS) known.length = 0;
    const names = (record.request?.headers ?? []).filter((_, index) => index % 2 === 0);
    const fresh = new Context(record, names);
    known.push(fresh);
    return fresh;
  }
}

function finish({ key, at, contexts, rows }: Batch): FinishedBatch {
  return { key, text: `{"format":1,"at":${at},"contexts":[${contexts}],"rows":[${rows}]}` };
}

/** Everything after the opening bracket. */
function rowOf(record: AttemptRecord, context: number, at: number): string {
  const { eventId, phases, request } = record;
  const details = detailsOf(record);
  const firstByte = phases?.firstByteMs === undefined ? -1 : tenths(phases.firstByteMs);
  let text =
    `${context},${record.partition},${record.offset},${quoted(eventId)},${quoted(record.key)},${record.attempt},` +
    `${record.at - at},${tenths(record.ms)},${codeOf(record)},${record.status ?? 0},${firstByte},${details}`;
  if (request !== undefined) {
    const { headers } = request;
    for (let index = 1; index < headers.length; index += 2) {
      const value = headers[index]!;
      text += value === eventId ? ',0' : `,${quoted(value)}`;
    }
  }
  return `${text}]`;
}

function codeOf({ outcome, final, redelivery }: AttemptRecord): number {
  return (
    ATTEMPT_OUTCOMES.indexOf(outcome) +
    4 * (final === undefined ? 0 : 1 + FINAL_STATES.indexOf(final)) +
    16 * REDELIVERIES.indexOf(redelivery)
  );
}

function detailsOf({ error, errorClass, excerpt, nextAt, phases, ms }: AttemptRecord): string {
  const isUsual =
    error === undefined &&
    errorClass === undefined &&
    excerpt === undefined &&
    nextAt === undefined &&
    (phases === undefined ||
      (phases.connectMs === undefined &&
        phases.dnsMs === undefined &&
        phases.tlsMs === undefined &&
        tenths(phases.totalMs) === tenths(ms)));
  if (isUsual) return '0';
  const total = phases === undefined || tenths(phases.totalMs) === tenths(ms) ? undefined : rounded(phases.totalMs);
  // What is undefined is left out by JSON.
  return JSON.stringify({
    error: error?.slice(0, MAX_ERROR).replaceAll(/\s+/g, ' '),
    class: errorClass,
    excerpt: excerpt?.slice(0, MAX_EXCERPT),
    nextAt,
    dns: rounded(phases?.dnsMs),
    connect: rounded(phases?.connectMs),
    tls: rounded(phases?.tlsMs),
    total,
  });
}

function tenths(ms: number): number {
  return Math.round(ms * 10);
}

function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : tenths(ms) / 10;
}

const PLAIN = /^[ !#-[\]-~]*$/;

/** Ids, keys and signatures are nearly always plain: they need no look at each character by JSON. */
function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}
