import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Append,
  CONTROL_TOPIC_SPECS,
  type EventLog,
  MemoryEventLog,
  type StoredEvent,
  objectTopicSpec,
  uuidv7,
} from '@heddle/event';
import { createLog } from '@heddle/runtime';
import type { AttemptRecord } from './attempt.js';
import type { DeadLetterRef } from './dead-letter-list.js';
import { Ledger } from './ledger.js';
import { LookUps, type LookUpsParts } from './look-ups.js';
import type { Place } from './redrive.js';

export const TRIAL_TYPE = 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1';
const HOUR = 3_600_000;
const log = createLog('test', 'silent');

/** A ledger with its look-ups over one log, for tests. */
export class LedgerTrial {
  readonly ledger: Ledger;
  readonly placed: { queue: string; letters: readonly DeadLetterRef[]; cycle: string }[] = [];
  place: Place = (queue, letters, cycle) => {
    this.placed.push({ queue: queue.name, letters, cycle });
    return Promise.resolve();
  };
  lookUps: LookUps;
  /** Further ones of the index, of other tenants too. */
  readonly topics: string[] = [];
  /** What somebody sees of an event; all of it. */
  seenBy: LookUpsParts['seenBy'] = (_caller, event) => event;

  private constructor(
    public eventLog: EventLog,
    readonly topic: string,
    readonly directory: string,
  ) {
    this.ledger = new Ledger(eventLog, log);
    this.lookUps = this.#open();
  }

  static async start(eventLog: EventLog = memoryLog(), topic = `orders-${uuidv7()}`): Promise<LedgerTrial> {
    await eventLog.ensureTopics([...CONTROL_TOPIC_SPECS, objectTopicSpec(topic, 4)]);
    return new LedgerTrial(eventLog, topic, await mkdtemp(join(tmpdir(), 'heddle-ledger-')));
  }

  async close(): Promise<void> {
    await this.lookUps.stop();
    await this.ledger.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** As another process would open them. */
  async reopen(between?: () => Promise<void>): Promise<void> {
    await this.lookUps.stop();
    await between?.();
    this.lookUps = this.#open();
  }

  async append(key: string, id: string, source = '/orders'): Promise<StoredEvent> {
    const time = '2026-01-31T12:00:00.000Z';
    const attributes = { id, source, type: TRIAL_TYPE, time, datacontenttype: 'application/json' };
    const event = { attributes, value: Buffer.from(JSON.stringify({ id })) };
    const [outcome] = await this.eventLog.append([{ topic: this.topic, key, event } satisfies Append]);
    if (outcome === undefined || 'error' in outcome) throw new Error('not appended');
    const { events } = await this.eventLog.fetch(outcome.position);
    return events[0]!;
  }

  attempted(event: StoredEvent, change: Partial<AttemptRecord> = {}): void {
    const { topic, partition, offset, key, attributes } = event;
    const { id: eventId, source, type } = attributes;
    this.ledger.attempt({
      ...{ topic, partition, offset, key, eventId, source, type },
      ...{ tenant: 'local', queue: 'orders', uuid: 'u1', cycle: '', attempt: 1, at: Date.now(), ms: 3.2 },
      ...{ redelivery: 'no', outcome: 'accepted', receiver: { kind: 'webhook', name: 'hook' } },
      ...change,
    });
  }

  givenUp(event: StoredEvent, change: { queue?: string; uuid?: string; reason?: string } = {}): void {
    const letter = { tenant: 'local', queue: 'orders', uuid: 'u1', cycle: '', reason: 'status 500', attempts: 3 };
    this.ledger.deadLetter({ event, ...letter, code: 'exhausted', ...change });
  }

  #open(): LookUps {
    const { eventLog, ledger, directory, topic } = this;
    const timeline = {
      objectTopics: () => [topic, ...this.topics],
      directory,
      keepMs: HOUR,
      maxRows: 100_000,
      lookMs: 20,
    };
    return new LookUps({ eventLog, ledger, place: (...of) => this.place(...of), timeline, seenBy: this.seenBy, log });
  }
}

/** Events whose data is JSON. */
export function memoryLog(): MemoryEventLog {
  return new MemoryEventLog({
    decode: ({ value }) => ({ data: JSON.parse(Buffer.from(value).toString()) as unknown }),
  });
}
