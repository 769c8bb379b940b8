import { callerFor } from '../identity/identity-trial.js';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CONTROL_TOPICS, CONTROL_TOPIC_SPECS, HeddleError, objectTopicSpec } from '@heddle/event';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LedgerTrial, TRIAL_TYPE, memoryLog } from './ledger-trial.js';
import { attemptsQuery, auditQuery, deadLettersQuery, objectEventsQuery, operationsQuery } from './ledger.shape.js';

const ADMIN = callerFor();

describe('look-ups', () => {
  let trial: LedgerTrial;

  beforeEach(async () => {
    trial = await LedgerTrial.start();
  });

  afterEach(() => trial.close());

  const attempts = (query: object = {}) => trial.lookUps.attempts.list(ADMIN, attemptsQuery.parse(query));
  const letters = (query: object = {}) => trial.lookUps.deadLetters.list(ADMIN, deadLettersQuery.parse(query));
  const flush = () => trial.ledger.flush();

  it('show an attempt with its request as it was sent, its answer and what comes next', async () => {
    const event = await trial.append('4711', 'e1');
    const at = Date.now();
    trial.attempted(event, {
      at,
      ms: 12.34,
      outcome: 'released',
      redelivery: 'maybe',
      status: 503,
      error: 'status\n503',
      errorClass: 'refused-status',
      excerpt: 'try "later"',
      phases: { connectMs: 2, firstByteMs: 11.96, totalMs: 12.34 },
      request: {
        template: { method: 'POST', url: 'https://receiver.test/hook', headers: ['x-static', 'value'] },
        headers: ['webhook-id', 'e1', 'webhook-signature', 'v1,abc="'],
      },
      nextAt: at + 1000,
    });
    await flush();
    const { attempts: found, partial } = await attempts();
    expect(partial).toBe(false);
    expect(found).toEqual([
      {
        event: {
          id: 'e1',
          source: '/orders',
          type: TRIAL_TYPE,
          key: '4711',
          topic: trial.topic,
          partition: event.partition,
          offset: 0,
          href: '/v1/events/e1?source=%2Forders',
        },
        queue: 'orders',
        queueUuid: 'u1',
        cycle: '',
        receiver: { kind: 'webhook', name: 'hook' },
        attempt: 1,
        at: new Date(at).toISOString(),
        ms: 12.3,
        redelivery: 'maybe',
        outcome: 'released',
        status: 503,
        error: 'status 503',
        errorClass: 'refused-status',
        phases: { dnsMs: undefined, connectMs: 2, tlsMs: undefined, firstByteMs: 12, totalMs: 12.3 },
        excerpt: 'try "later"',
        request: {
          method: 'POST',
          url: 'https://receiver.test/hook',
          headers: [
            ['x-static', 'value'],
            ['webhook-id', 'e1'],
            ['webhook-signature', 'v1,abc="'],
          ],
          body: '/v1/events/e1?source=%2Forders',
        },
        nextAt: new Date(at + 1000).toISOString(),
      },
    ]);
  });

  it('find attempts by webhook, queue, event, outcome and time, page by page', async () => {
    const event = await trial.append('4711', 'e1');
    const other = await trial.append('4712', 'e2');
    const from = Date.now() - 1000;
    for (let n = 0; n < 10; n += 1) {
      trial.attempted(event, { attempt: n + 1, at: from + n, outcome: n % 2 === 0 ? 'released' : 'expired' });
    }
    trial.attempted(other, { at: from + 5, queue: 'others', uuid: 'u2', receiver: { kind: 'pull', name: 'hook' } });
    await flush();
    expect((await attempts()).attempts).toHaveLength(11);
    expect((await attempts({ webhook: 'hook' })).attempts).toHaveLength(10);
    expect((await attempts({ queue: 'others' })).attempts).toMatchObject([{ event: { id: 'e2' } }]);
    expect((await attempts({ queue: 'unknown' })).attempts).toEqual([]);
    expect((await attempts({ event: 'e2' })).attempts).toMatchObject([{ queue: 'others' }]);
    expect((await attempts({ outcome: 'accepted' })).attempts).toMatchObject([{ event: { id: 'e2' } }]);
    expect((await attempts({ outcome: 'failed' })).attempts).toHaveLength(10);
    expect((await attempts({ outcome: 'expired' })).attempts).toHaveLength(5);
    const window = { since: new Date(from + 2).toISOString(), until: new Date(from + 4).toISOString() };
    expect((await attempts(window)).attempts.map(({ attempt }) => attempt)).toEqual([4, 3]);
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await attempts({ queue: 'orders', limit: 3, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.attempts.map(({ attempt }) => attempt));
      cursor = page.next;
    } while (cursor !== undefined);
    expect(seen).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it('count an attempt once, however often its record was written', async () => {
    const event = await trial.append('4711', 'e1');
    trial.attempted(event);
    await flush();
    const slots = await trial.eventLog.bounds(CONTROL_TOPICS.attempts);
    const { partition } = slots.find(({ end }) => end > 0)!;
    const { events } = await trial.eventLog.fetch({ topic: CONTROL_TOPICS.attempts, partition, offset: 0 });
    const { topic, key, attributes, value } = events[0]!;
    await trial.eventLog.append([{ topic, key, event: { attributes, value } }]);
    trial.attempted(event, { attempt: 2 });
    await flush();
    expect((await attempts()).attempts.map(({ attempt }) => attempt).toSorted()).toEqual([1, 2]);
  });

  it('tell the life of an event: raised, appended, dispatched, each attempt, settled; and one final state', async () => {
    const event = await trial.append('4711', 'e1');
    const at = Date.now();
    trial.attempted(event, { at, outcome: 'released', error: 'status 500' });
    trial.attempted(event, { at: at + 10, attempt: 2, final: 'accepted', status: 204 });
    trial.attempted(event, { at: at + 20, attempt: 2, final: 'accepted', redelivery: 'maybe' });
    trial.attempted(event, { at: at + 30, queue: 'others', uuid: 'u2' });
    await flush();
    const { events, partial } = await trial.lookUps.events.event(ADMIN, 'e1');
    expect(partial).toBe(false);
    expect(events).toHaveLength(1);
    expect(events[0]!.stored).toEqual({ attributes: event.attributes, data: { id: 'e1' } });
    expect(events[0]!.deliveries).toMatchObject([
      { queue: 'orders', cycle: '', state: 'accepted', repeats: 1, settledAt: new Date(at + 13).toISOString() },
      { queue: 'others', state: 'open', repeats: 0 },
    ]);
    expect(events[0]!.timeline.map(({ what, queue }) => [what, queue])).toEqual([
      ['raised', undefined],
      ['appended', undefined],
      ['dispatched', 'orders'],
      ['attempt', 'orders'],
      ['attempt', 'orders'],
      ['settled', 'orders'],
      ['attempt', 'orders'],
      ['dispatched', 'others'],
      ['attempt', 'others'],
    ]);
  });

  it('know an event that no queue wanted, tell apart sources that use one id, and say what is not there', async () => {
    await trial.append('4711', 'e1');
    await trial.append('4712', 'e1', '/elsewhere');
    expect((await trial.lookUps.events.event(ADMIN, 'e1')).events).toHaveLength(2);
    expect((await trial.lookUps.events.event(ADMIN, 'e1', '/elsewhere')).events).toMatchObject([
      { event: { key: '4712' } },
    ]);
    await expect(trial.lookUps.events.event(ADMIN, 'unknown')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('list the events of a business object with what became of them, whatever form its key has', async () => {
    for (let n = 0; n < 5; n += 1) trial.attempted(await trial.append('4711', `e${n}`), { final: 'accepted' });
    await trial.append('4712', 'other');
    await flush();
    const ofKey = (query: object) =>
      trial.lookUps.events.ofObject(ADMIN, trial.topic, '0004711', objectEventsQuery.parse(query));
    const first = await ofKey({ limit: 3 });
    expect(first.events.map(({ event }) => event.id)).toEqual(['e4', 'e3', 'e2']);
    expect(first.events[0]!.deliveries).toMatchObject([{ queue: 'orders', state: 'accepted' }]);
    const second = await ofKey({ limit: 3, cursor: first.next });
    expect(second.events.map(({ event }) => event.id)).toEqual(['e1', 'e0']);
    expect(second.next).toBeUndefined();
  });

  it('show a dead letter with its event, its attempts and its last answer', async () => {
    const event = await trial.append('4711', 'e1');
    trial.attempted(event, { outcome: 'rejected', final: 'dead' });
    trial.givenUp(event);
    trial.givenUp(await trial.append('4712', 'e2'), { queue: 'others', uuid: 'u2', reason: 'the lease ran out' });
    await flush();
    expect((await letters({ queue: 'orders' })).deadLetters).toMatchObject([
      { event: { id: 'e1' }, reason: 'status 500', code: 'exhausted', attempts: 3, state: 'open' },
    ]);
    expect((await letters({ reason: 'LEASE' })).deadLetters).toMatchObject([{ queue: 'others' }]);
    expect((await letters({ reason: 'exhausted', key: '4711', type: TRIAL_TYPE })).deadLetters).toHaveLength(1);
    const [{ id } = { id: '' }] = (await letters({ queue: 'orders' })).deadLetters;
    const detail = await trial.lookUps.deadLetters.get(ADMIN, id);
    expect(detail).toMatchObject({ stored: { data: { id: 'e1' } }, deliveries: [{ final: 'dead' }] });
    await expect(trial.lookUps.deadLetters.get(ADMIN, '1-99')).rejects.toMatchObject({ code: 'not-found' });
    await expect(trial.lookUps.deadLetters.get(ADMIN, 'nonsense')).rejects.toMatchObject({ code: 'not-found' });
    const [summary] = (await trial.lookUps.events.event(ADMIN, 'e1')).events;
    expect(summary!.deliveries).toMatchObject([{ state: 'dead', repeats: 0, deadLetter: id }]);
  });

  it('show a dead letter once that the log has twice, for nobody answered its first append', async () => {
    const event = await trial.append('4711', 'e1');
    trial.givenUp(event);
    await flush();
    trial.givenUp(event);
    await flush();
    expect((await letters({ queue: 'orders' })).deadLetters).toHaveLength(1);
    trial.givenUp(event, { uuid: 'made-anew' });
    await flush();
    expect((await letters({ queue: 'orders' })).deadLetters).toHaveLength(2);
  });

  it('count what was accepted as that, though an owner that was cut off says late that it gave it up', async () => {
    const [before, after] = [await trial.append('4711', 'e1'), await trial.append('4712', 'e2')];
    for (const event of [before, after]) trial.attempted(event, { attempt: 3, outcome: 'released', final: 'dead' });
    trial.givenUp(before);
    await flush();
    expect((await letters()).deadLetters).toHaveLength(1);
    for (const event of [before, after]) {
      trial.attempted(event, { attempt: 3, final: 'accepted', redelivery: 'yes' });
    }
    await flush();
    await attempts();
    trial.givenUp(after);
    await flush();
    expect((await letters()).deadLetters).toEqual([]);
    for (const id of ['e1', 'e2']) {
      const [summary] = (await trial.lookUps.events.event(ADMIN, id)).events;
      expect(summary!.deliveries).toMatchObject([{ state: 'accepted' }]);
      expect(summary!.deliveries[0]).not.toHaveProperty('deadLetter');
    }
    // In another cycle, or another queue, it may be given up all the same.
    trial.givenUp(after, { uuid: 'made-anew' });
    await flush();
    expect((await letters()).deadLetters).toHaveLength(1);
  });

  it('list what operators want to hear of, and who did what', async () => {
    trial.ledger.operation({ kind: 'webhook.failing', tenant: 'local', name: 'hook', detail: { status: 500 } });
    trial.ledger.operation({ kind: 'queue.gap', tenant: 'local', name: 'orders' });
    trial.ledger.operation({ kind: 'queue.gap', tenant: 'acme', name: 'orders' });
    trial.ledger.audit({
      tenant: 'local',
      who: 'anna',
      from: '127.0.0.1',
      action: 'webhook.delete',
      target: 'webhook/hook',
      result: 'done',
    });
    await flush();
    expect((await trial.lookUps.operations.operations(ADMIN, operationsQuery.parse({}))).operations).toHaveLength(2);
    expect(
      (await trial.lookUps.operations.operations(ADMIN, operationsQuery.parse({ kind: 'webhook.' }))).operations,
    ).toMatchObject([{ kind: 'webhook.failing', name: 'hook', detail: { status: 500 } }]);
    expect((await trial.lookUps.operations.audit(ADMIN, auditQuery.parse({ who: 'anna' }))).entries).toMatchObject([
      { action: 'webhook.delete', target: 'webhook/hook', result: 'done' },
    ]);
    expect((await trial.lookUps.operations.audit(ADMIN, auditQuery.parse({ who: 'nobody' }))).entries).toEqual([]);
  });

  it('go on where an earlier process stopped, and begin anew when the file is no index or the log another', async () => {
    trial.attempted(await trial.append('4711', 'e1'));
    await flush();
    expect((await attempts()).attempts).toHaveLength(1);
    await trial.reopen();
    trial.attempted(await trial.append('4711', 'e2'));
    await flush();
    expect((await attempts()).attempts).toHaveLength(2);
    await trial.reopen(() =>
      writeFile(join(trial.directory, 'timeline.sqlite'), 'no database, but long enough for one'),
    );
    expect((await attempts()).attempts).toHaveLength(2);
    await trial.reopen(async () => {
      trial.eventLog = memoryLog();
      await trial.eventLog.ensureTopics([...CONTROL_TOPIC_SPECS, objectTopicSpec(trial.topic, 4)]);
    });
    expect((await attempts()).attempts).toEqual([]);
  });

  it('say that they are behind when the log does not answer', async () => {
    trial.attempted(await trial.append('4711', 'e1'));
    await flush();
    expect(await attempts()).toMatchObject({ partial: false });
    trial.eventLog.bounds = () => Promise.reject(new HeddleError('log-unavailable', 'away'));
    expect(await attempts()).toMatchObject({ partial: true, attempts: [{ event: { id: 'e1' } }] });
    await expect(trial.lookUps.events.event(ADMIN, 'e2')).rejects.toMatchObject({ code: 'index-behind' });
  });

  it('read on by themselves when nobody asks', async () => {
    await trial.lookUps.start();
    trial.attempted(await trial.append('4711', 'e1'));
    await flush();
    const { eventLog } = trial;
    const bounds = eventLog.bounds.bind(eventLog);
    await expect
      .poll(
        async () => {
          // A look-up that cannot ask for the ends shows what is there already.
          eventLog.bounds = () => Promise.reject(new HeddleError('log-unavailable', 'away'));
          const { attempts: found } = await attempts();
          eventLog.bounds = bounds;
          return found;
        },
        { timeout: 10_000 },
      )
      .toHaveLength(1);
  });
});
