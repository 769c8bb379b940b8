import { CONTROL_TOPICS, CONTROL_TOPIC_SPECS, HeddleError, MemoryEventLog, type StoredEvent } from '@heddle/event';
import { createLog } from '@heddle/runtime';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AttemptBatch } from './attempt-batch.js';
import type { AttemptRecord, RequestTemplate } from './attempt.js';
import { Ledger } from './ledger.js';

const TEMPLATE: RequestTemplate = { method: 'POST', url: 'https://receiver.test/hook', headers: ['x-a', 'b'] };

function attemptOf(change: Partial<AttemptRecord> = {}): AttemptRecord {
  const eventId = change.eventId ?? 'e1';
  return {
    tenant: 'local',
    queue: 'orders',
    uuid: '0198-uuid',
    cycle: '',
    topic: 'sales-order',
    partition: 3,
    offset: 17,
    eventId,
    source: '/orders',
    type: 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1',
    key: '4711',
    attempt: 1,
    receiver: { kind: 'webhook', name: 'orders' },
    at: 1_790_000_000_000,
    ms: 3.14,
    redelivery: 'no',
    outcome: 'accepted',
    final: 'accepted',
    status: 204,
    phases: { firstByteMs: 3, totalMs: 3.14 },
    request: {
      template: TEMPLATE,
      headers: ['webhook-id', eventId, 'webhook-timestamp', '1790000000', 'webhook-signature', 'v1,c2ln'],
    },
    ...change,
  };
}

describe('the ledger', () => {
  let eventLog: MemoryEventLog;
  let ledger: Ledger;

  beforeEach(async () => {
    eventLog = new MemoryEventLog({
      decode: ({ value }) => ({ data: JSON.parse(Buffer.from(value).toString()) as unknown }),
    });
    await eventLog.ensureTopics(CONTROL_TOPIC_SPECS);
    ledger = new Ledger(eventLog, createLog('test', 'silent'));
  });

  async function stored(topic: string): Promise<StoredEvent[]> {
    const bounds = await eventLog.bounds(topic);
    const batches = await Promise.all(
      bounds.map(({ partition, earliest }) => eventLog.fetch({ topic, partition, offset: earliest })),
    );
    return batches.flatMap(({ events }) => events);
  }

  it('joins attempts of all queues of a slot into one record, each thing in common once', async () => {
    for (let n = 0; n < 10; n += 1) ledger.attempt(attemptOf({ eventId: `e${n}`, offset: n }));
    await ledger.flush();
    const [record, ...others] = await stored(CONTROL_TOPICS.attempts);
    expect(others).toEqual([]);
    const batch = record!.data as AttemptBatch;
    expect(batch.contexts).toHaveLength(1);
    expect(batch.rows).toHaveLength(10);
    expect(batch.rows[4]).toEqual([0, 3, 4, 'e4', '4711', 1, 0, 31, 4, 204, 30, 0, 0, '1790000000', 'v1,c2ln']);
  });

  it('takes at most 120 bytes beside the signature for an attempt that went well', async () => {
    const signature = `v1,${'A'.repeat(44)}`;
    for (let n = 0; n < 500; n += 1) {
      const eventId = `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`;
      const headers = ['webhook-id', eventId, 'webhook-timestamp', '1790000000', 'webhook-signature', signature];
      ledger.attempt(attemptOf({ eventId, offset: 1_000_000 + n, request: { template: TEMPLATE, headers } }));
    }
    await ledger.flush();
    const [record] = await stored(CONTROL_TOPICS.attempts);
    expect(record!.value.length / 500 - signature.length).toBeLessThanOrEqual(120);
  });

  it('keeps what the log did not take, and says so to everyone who waits', async () => {
    eventLog.failAppend = () => new HeddleError('log-unavailable', 'away');
    ledger.attempt(attemptOf());
    ledger.operation({ kind: 'webhook.failing', tenant: 'local', name: 'orders' });
    const flushes = [ledger.flush(), ledger.flush()];
    for (const flush of flushes) await expect(flush).rejects.toMatchObject({ code: 'log-unavailable' });
    expect(await stored(CONTROL_TOPICS.attempts)).toEqual([]);
    eventLog.failAppend = undefined;
    ledger.attempt(attemptOf({ attempt: 2 }));
    await ledger.flush();
    expect(await stored(CONTROL_TOPICS.attempts)).toHaveLength(2);
    expect(await stored(CONTROL_TOPICS.operations)).toMatchObject([
      { attributes: { type: 'heddle.webhook.v1.Webhook.Failing.v1' }, data: { kind: 'webhook.failing' } },
    ]);
    await ledger.flush();
    expect(await stored(CONTROL_TOPICS.attempts)).toHaveLength(2);
  });

  it('writes what nobody flushes by itself', async () => {
    ledger.audit({
      tenant: 'local',
      who: 'operator',
      from: '127.0.0.1',
      action: 'webhook.delete',
      target: 'webhook/orders',
      result: 'done',
    });
    await expect.poll(() => stored(CONTROL_TOPICS.audit), { timeout: 10_000 }).toHaveLength(1);
  });

  it('keeps a dead letter with the bytes of its event, its attributes, and why', async () => {
    const event = letterEvent();
    ledger.deadLetter({ ...letterOf(event), lastAnswer: 'status 500: no', cycle: 'r1', firstAt: 5 });
    await ledger.flush();
    const [letter] = await stored(CONTROL_TOPICS.deadLetters);
    expect(letter).toMatchObject({ key: '4711', attributes: event.attributes, data: { n: 1 } });
    expect(letter!.notes).toEqual({
      'heddle-reason': 'status 500',
      'heddle-code': 'exhausted',
      'heddle-tenant': 'local',
      'heddle-queue': 'orders',
      'heddle-queue-uuid': 'u',
      'heddle-attempts': '3',
      'heddle-topic': 'sales-order',
      'heddle-partition': '2',
      'heddle-offset': '9',
      'heddle-cycle': 'r1',
      'heddle-first-at': '5',
      'heddle-last-answer': 'status 500: no',
    });
  });

  it('keeps a dead letter too large for the log without its bytes, which stay where they were', async () => {
    eventLog.failAppend = ({ notes }) =>
      notes?.['heddle-bytes'] === undefined ? new HeddleError('too-large', 'too large') : undefined;
    ledger.deadLetter(letterOf(letterEvent()));
    await expect(ledger.flush()).rejects.toMatchObject({ code: 'too-large' });
    await ledger.flush();
    expect(await stored(CONTROL_TOPICS.deadLetters)).toMatchObject([
      { data: null, notes: { 'heddle-bytes': 'at-origin', 'heddle-offset': '9' } },
    ]);
  });
});

function letterEvent(): StoredEvent {
  return {
    topic: 'sales-order',
    partition: 2,
    offset: 9,
    key: '4711',
    appendedAt: 1,
    attributes: { id: 'e1', source: '/orders', type: 't', datacontenttype: 'application/json' },
    value: Buffer.from('{"n":1}'),
    data: { n: 1 },
  };
}

function letterOf(event: StoredEvent) {
  return {
    event,
    tenant: 'local',
    queue: 'orders',
    uuid: 'u',
    cycle: '',
    reason: 'status 500',
    code: 'exhausted',
    attempts: 3,
  };
}
