import { type Append, CONTROL_TOPICS, type EventLog, HeddleError, JSON_CONTENT_TYPE, uuidv7 } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import { AttemptBatches } from './attempt-batch.js';
import type { AttemptRecord } from './attempt.js';
import { type DeadLetter, deadLetterAppend, withoutBytes } from './dead-letter.js';
import { type DeadMessage, deadMessageAppend } from './dead-message.js';

/** Something that operators want to hear of. */
export interface Operation {
  /** `webhook.failing`, `webhook.disabled`, `webhook.recovered`, `queue.exhausted`, `queue.gap`, … */
  kind: `${string}.${string}`;
  tenant: string;
  /** Of the webhook, the queue, … */
  name: string;
  detail?: Readonly<Record<string, unknown>>;
}

/** Who did what, and how it ended. */
export interface AuditEntry {
  tenant: string;
  /** The id of the client. */
  who: string;
  /** The address it came from. */
  from: string;
  /** `webhook.delete`, `dead-letters.redrive`, … */
  action: `${string}.${string}`;
  target: string;
  detail?: Readonly<Record<string, unknown>>;
  result: 'done' | 'refused' | 'failed';
}

const SOURCE = '/heddle/gateway';
/** What nobody asked to flush is written so many milliseconds later. */
const IDLE_FLUSH_MS = 250;

/**
 * What happened, on its way to the log: attempts, dead letters, operations, audit. Everything is buffered until
 * `flush`, which is called before progress passes what it is about: a crash between leads to a repeat, and never to an
 * event that is settled without a trace.
 */
export class Ledger {
  readonly #attempts = new AttemptBatches();
  #waiting: Append[] = [];
  #writing: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #begunAt = 0;
  #isStopped = false;

  constructor(
    private readonly eventLog: EventLog,
    private readonly log: Log,
  ) {}

  attempt(record: AttemptRecord): void {
    this.#attempts.add(record);
    if (this.#timer === undefined) this.#schedule();
  }

  deadLetter(letter: DeadLetter): void {
    this.#push(deadLetterAppend(letter));
  }

  /** What a dead message queue gets, stored with the letters: progress passes neither before it is durable. */
  deadMessage(message: DeadMessage): void {
    const append = deadMessageAppend(message);
    if (append !== undefined) return this.#push(append);
    const { tenant, queue, to, event } = message;
    this.log.warn({ event: 'dead-message-unmoved', tenant, queue, to, id: event.attributes.id }, 'not passed on');
  }

  operation({ kind, tenant, name, detail = {} }: Operation): void {
    const data = { kind, tenant, name, at: new Date().toISOString(), detail };
    this.#push(recordOf(CONTROL_TOPICS.operations, `${tenant}/${name}`, typeOf(kind), JSON.stringify(data)));
  }

  audit({ tenant, who, from, action, target, detail = {}, result }: AuditEntry): void {
    const data = { tenant, who, from, action, target, at: new Date().toISOString(), detail, result };
    const type = 'heddle.audit.v1.Entry.Made.v1';
    this.#push(recordOf(CONTROL_TOPICS.audit, `${tenant}/${target}`, type, JSON.stringify(data)));
  }

  /**
   * Resolves when everything that was buffered before the call is in every in-sync replica. What could not be written
   * stays buffered for the next call.
   *
   * @throws HeddleError of the log, when some of it could not be written
   */
  flush(): Promise<void> {
    if (this.#writing === undefined) return this.#begin();
    // One round at a time: calls that come meanwhile share the next one.
    this.#next ??= this.#writing.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  /** Writes what is left; a log that does not answer is not waited for. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.flush().catch((error: unknown) => {
      this.log.error({ event: 'ledger-unwritten', err: error }, 'the last of the ledger could not be written');
    });
  }

  #push(append: Append): void {
    this.#waiting.push(append);
    if (this.#timer === undefined) this.#schedule();
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      if (Date.now() < this.#begunAt + IDLE_FLUSH_MS) {
        // Somebody flushes often enough.
        this.#schedule();
        return;
      }
      this.flush().then(
        () => (this.#timer = undefined),
        (error: unknown) => {
          this.log.warn({ event: 'ledger-unwritten', err: error }, 'the ledger could not be written, trying again');
          this.#schedule();
        },
      );
    }, IDLE_FLUSH_MS);
    this.#timer.unref();
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    for (const { key, text } of this.#attempts.take()) {
      this.#waiting.push(recordOf(CONTROL_TOPICS.attempts, key, 'heddle.attempt.v1.Attempts.Made.v1', text));
    }
    if (this.#waiting.length === 0) return Promise.resolve();
    this.#begunAt = Date.now();
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    const appends = this.#waiting;
    this.#waiting = [];
    const outcomes = await this.eventLog.append(appends).catch((error: unknown) => appends.map(() => ({ error })));
    let failure: unknown;
    const left: Append[] = [];
    outcomes.forEach((outcome, index) => {
      if (!('error' in outcome)) return;
      const again = this.#again(appends[index]!, outcome.error);
      if (again === undefined) return;
      left.push(again);
      failure ??= outcome.error;
    });
    if (left.length === 0) return;
    // Before what came meanwhile: their order is that of what happened.
    this.#waiting = [...left, ...this.#waiting];
    throw failure;
  }

  /** What is to be written in the next round for one that failed. One that can never be written must not hold up all. */
  #again(append: Append, error: unknown): Append | undefined {
    if (!(error instanceof HeddleError) || error.retryable) return append;
    if (append.topic === CONTROL_TOPICS.deadLetters && append.notes?.['heddle-bytes'] === undefined) {
      return withoutBytes(append);
    }
    this.log.error({ event: 'ledger-refused', topic: append.topic, key: append.key, err: error }, 'not kept');
    return undefined;
  }
}

/** The id of the record stays the same when it is written again after a failure: readers tell the repeat by it. */
function recordOf(topic: string, key: string, type: string, text: string): Append {
  const attributes = { id: uuidv7(), source: SOURCE, type, datacontenttype: JSON_CONTENT_TYPE };
  return { topic, key, event: { attributes, value: Buffer.from(text) } };
}

/** `webhook.failing` as an event type: `heddle.webhook.v1.Webhook.Failing.v1`. */
function typeOf(kind: string): string {
  const [object = '', action = ''] = kind.split('.', 2);
  return `heddle.${object.toLowerCase()}.v1.${capitalised(object)}.${capitalised(action)}.v1`;
}

function capitalised(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}
