import { HeddleError } from '@heddle/event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ADMIN, EPOCH, TYPE, TrialQueues } from './queues-trial.js';
import { parseLeaseToken } from './lease-token.js';
import { type QueueRequest, queueShape } from './queue.shape.js';
import type { QueueDefinition } from './queue.js';

const RECEIVER = { kind: 'pull', name: 'test' } as const;

function request(more: object = {}): QueueRequest {
  return queueShape.parse({ types: [TYPE], ...more });
}

async function refusal(promise: Promise<unknown>): Promise<{ code: string; field: string | undefined }> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof HeddleError)) throw new Error(`not refused: ${String(error)}`);
  return { code: error.code, field: error.field };
}

describe('queues', () => {
  let trial: TrialQueues;

  beforeEach(async () => {
    trial = new TrialQueues();
    await trial.start();
  });

  afterEach(() => {
    trial.queues.stop();
  });

  it('begin now unless something else is said: at offsets that are stored before the answer', async () => {
    await trial.publish(10);
    const { created, view } = await trial.queues.put(ADMIN, 'all', request());
    expect(created).toBe(true);
    expect(view).toMatchObject({ name: 'all', version: 1, order: 'key', leaseMs: 30_000, paused: false });
    const ends = (await trial.eventLog.bounds('contract')).map(({ end }) => end);
    expect(trial.stored.get('all')?.start).toEqual({ contract: ends, 'sales-order': [0, 0] });
    expect(ends[0]! + ends[1]!).toBe(10);
  });

  it('begin at the first event, at a time, or at offsets', async () => {
    await trial.publish(5);
    const before = Date.now();
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(before + 2));
    const middle = (await trial.eventLog.bounds('contract')).map(({ end }) => end);
    const time = new Date().toISOString();
    await trial.publish(5, 6);
    trial.eventLog.forget('contract', 1, 1);
    const topics = ['contract'];
    const start = async (name: string, start: unknown): Promise<unknown> =>
      (await trial.queues.put(ADMIN, name, request({ start, topics }))).view.start;
    expect(await start('first', 'earliest')).toEqual({ contract: [0, 1] });
    expect(await start('time', { time })).toEqual({ contract: middle });
    expect(await start('offsets', { offsets: { contract: [0, 2] } })).toEqual({ contract: [0, 2] });
    expect(await refusal(start('far', { offsets: { contract: [0, 100] } }))).toEqual({
      code: 'data-invalid',
      field: 'start.offsets.contract.1',
    });
    expect(await refusal(start('other', { offsets: { 'sales-order': [0, 0] } }))).toMatchObject({
      code: 'data-invalid',
    });
    expect(await refusal(trial.queues.put(ADMIN, 'none', request({ topics: ['contact'] })))).toEqual({
      code: 'data-invalid',
      field: 'topics.0',
    });
  });

  it('may be made for a window of the log, which ends where it was said to', async () => {
    await trial.publish(6);
    const { view } = await trial.queues.put(
      ADMIN,
      'window',
      request({ start: 'earliest', end: 'now', topics: ['contract'] }),
    );
    const ends = (await trial.eventLog.bounds('contract')).map(({ end }) => end);
    expect(view).toMatchObject({ start: { contract: [0, 0] }, end: { contract: ends } });
    const future = { time: new Date(Date.now() + 60_000).toISOString() };
    expect(await refusal(trial.queues.put(ADMIN, 'later', request({ end: future })))).toMatchObject({
      field: 'end.time',
    });
  });

  it('keep uuid, position and what was left out when they are changed, and rise in version', async () => {
    await trial.queues.put(ADMIN, 'q', request({ order: 'none', ttlMs: 5000, paused: true }));
    const before = trial.stored.get('q')!;
    const { created, view } = await trial.queues.put(ADMIN, 'q', request({ leaseMs: 5000, retry: { attempts: 9 } }));
    expect(created).toBe(false);
    expect(view).toMatchObject({ version: 2, order: 'none', leaseMs: 5000, paused: true });
    expect(view.retry).toMatchObject({ attempts: 9, firstMs: 1000 });
    expect(view).not.toHaveProperty('ttlMs');
    expect(trial.stored.get('q')).toMatchObject({ uuid: before.uuid, start: before.start, version: 2 });
    expect(trial.queues.atWork('local', 'q')?.definition.leaseMs).toBe(5000);
  });

  it('may be put again as they are: nothing changes, the version neither', async () => {
    const same = request({ start: 'now', order: 'queue', topics: ['contract'], retry: { delaysMs: [1, 2] } });
    await trial.queues.put(ADMIN, 'q', same);
    await trial.publish(3);
    expect((await trial.queues.put(ADMIN, 'q', same)).view.version).toBe(1);
  });

  it('refuse what cannot be changed, naming it', async () => {
    await trial.queues.put(ADMIN, 'q', request({ topics: ['contract'], end: 'now' }));
    const changes = [
      { order: 'none' },
      { topics: ['sales-order'] },
      { start: 'earliest' },
      { end: { time: '2020-01-01T00:00:00Z' } },
    ];
    for (const change of changes) {
      const [field] = Object.keys(change);
      expect(await refusal(trial.queues.put(ADMIN, 'q', request(change)))).toEqual({
        code: 'queue-unchangeable',
        field,
      });
    }
    expect(trial.stored.get('q')?.version).toBe(1);
  });

  it('are changed and deleted on condition of the version that was read', async () => {
    const only = (wanted: number | undefined) => (version: number | undefined) => {
      if (version !== wanted) throw new HeddleError('precondition-failed', 'another version');
    };
    await trial.queues.put(ADMIN, 'q', request(), only(undefined));
    expect(await refusal(trial.queues.put(ADMIN, 'q', request({ leaseMs: 5000 }), only(undefined)))).toMatchObject({
      code: 'precondition-failed',
    });
    await trial.queues.put(ADMIN, 'q', request({ leaseMs: 5000 }), only(1));
    expect(await refusal(trial.queues.delete(ADMIN, 'q', only(1)))).toMatchObject({ code: 'precondition-failed' });
    await trial.queues.delete(ADMIN, 'q', only(2));
    expect(trial.stored.size).toBe(0);
  });

  it('refuse a filter that is none, and make nothing of it', async () => {
    const wrong = request({ filter: [{ exakt: { type: 'x' } }] });
    expect(await refusal(trial.queues.put(ADMIN, 'q', wrong))).toMatchObject({ code: 'filter-invalid' });
    expect(() => trial.queues.get(ADMIN, 'q')).toThrow('There is no queue q.');
  });

  it('of two made at once under one name, one is made and the other changes it', async () => {
    const [one, other] = await Promise.all([
      trial.queues.put(ADMIN, 'q', request()),
      trial.queues.put(ADMIN, 'q', request({ leaseMs: 5000 })),
    ]);
    expect([one.created, other.created]).toEqual([true, false]);
    expect(one.view.version + other.view.version).toBe(3);
  });

  it('made anew under a name inherit nothing: leases of the one before are unknown', async () => {
    await trial.queues.put(ADMIN, 'q', request());
    await trial.publish(1);
    const [grant] = trial.queues.open('local', 'q').book.receive({ max: 1, receiver: RECEIVER });
    expect(parseLeaseToken(grant!.token)).toMatchObject({ queue: trial.stored.get('q')?.uuid, epoch: EPOCH });
    await trial.queues.delete(ADMIN, 'q');
    await trial.queues.put(ADMIN, 'q', request());
    const settlement = { token: grant!.token, action: 'accept' } as const;
    expect(trial.queues.open('local', 'q').book.settle([settlement])).toEqual([{ code: 'lease-unknown' }]);
  });

  it('tell open receivers when they are deleted or move, and wake those who wait', async () => {
    await trial.queues.put(ADMIN, 'gone', request());
    await trial.queues.put(ADMIN, 'moving', request());
    const reasons: string[] = [];
    const waits = ['gone', 'moving'].map((name) => {
      const open = trial.queues.open('local', name);
      open.onClosed((reason) => reasons.push(`${name} ${reason}`));
      return open.book.waitFor({ max: 1, receiver: RECEIVER }, 60_000);
    });
    await trial.queues.delete(ADMIN, 'gone');
    trial.queues.handOver('local', 'moving');
    expect(await Promise.all(waits)).toEqual([[], []]);
    expect(reasons).toEqual(['gone deleted', 'moving moved']);
  });

  it('lease nothing while paused, keep taking, and go on when resumed', async () => {
    await trial.queues.put(ADMIN, 'q', request());
    expect(await trial.queues.pause(ADMIN, 'q', true)).toMatchObject({ paused: true, version: 2 });
    expect(await trial.queues.pause(ADMIN, 'q', true)).toMatchObject({ version: 2 });
    await trial.publish(2);
    const { book } = trial.queues.open('local', 'q');
    expect(book.receive({ max: 5, receiver: RECEIVER })).toEqual([]);
    const waiting = book.waitFor({ max: 5, receiver: RECEIVER }, 60_000);
    await trial.queues.pause(ADMIN, 'q', false);
    expect(await waiting).toHaveLength(2);
  });

  it('are purged up to the end of the log, or to a time', async () => {
    await trial.queues.put(ADMIN, 'q', request({ topics: ['contract'] }));
    await trial.publish(4);
    const ends = (await trial.eventLog.bounds('contract')).map(({ end }) => end);
    await trial.queues.purge(ADMIN, 'q', { before: 'now' });
    await trial.queues.purge(ADMIN, 'q', { before: { time: '2020-01-01T00:00:00Z' } });
    expect(trial.purged).toEqual([{ contract: ends }, { contract: [0, 0] }]);
  });

  it('show what is ready, leased, waiting and dead, how old, and how fast', async () => {
    await trial.queues.put(ADMIN, 'q', request());
    await trial.publish(6);
    const { book } = trial.queues.open('local', 'q');
    const grants = book.receive({ max: 4, receiver: RECEIVER });
    book.settle([
      { token: grants[0]!.token, action: 'accept' },
      { token: grants[1]!.token, action: 'reject' },
      { token: grants[2]!.token, action: 'release' },
    ]);
    const { statistics } = trial.queues.get(ADMIN, 'q');
    expect(statistics).toMatchObject({
      ready: 2,
      leased: 1,
      waiting: 1,
      parked: 0,
      dead: 1,
      dropped: 0,
      lag: 7,
      rates: { inPerSecond: 6, outPerSecond: 2 },
      gaps: [],
      receivers: { leases: 1, waiting: 0 },
    });
    expect(statistics?.oldestAgeMs).toBeLessThan(10_000);
  });

  it('tell the ledger of every attempt of a remote receiver, and how it ended', async () => {
    await trial.queues.put(ADMIN, 'q', request());
    await trial.publish(3);
    const { book } = trial.queues.open('local', 'q');
    const [a, b, c] = book.receive({ max: 3, receiver: RECEIVER });
    book.settle([
      { token: a!.token, action: 'accept' },
      { token: b!.token, action: 'reject', reason: 'no such customer' },
      { token: c!.token, action: 'release', delayMs: 60_000 },
    ]);
    const { uuid } = trial.stored.get('q')!;
    const common = { queue: 'q', uuid, attempt: 1, receiver: RECEIVER, redelivery: 'no', cycle: '' };
    expect(trial.attempts).toMatchObject([
      { ...common, eventId: a!.lease.event.stored.attributes.id, outcome: 'accepted', final: 'accepted' },
      { ...common, outcome: 'rejected', final: 'dead', error: 'no such customer', errorClass: 'refused-by-receiver' },
      { ...common, outcome: 'released', nextAt: expect.any(Number) as number },
    ]);
    expect(trial.attempts[2]).not.toHaveProperty('final');
  });

  it('of other instances are listed without statistics, and answered as being elsewhere', async () => {
    await trial.queues.put(ADMIN, 'here', request());
    trial.stored.set('there', { ...trial.stored.get('here')!, name: 'there' });
    expect(trial.queues.list(ADMIN).map(({ name }) => name)).toEqual(['here']);
    trial.owns = false;
    expect(trial.queues.list(ADMIN).map(({ name, statistics }) => [name, statistics !== undefined])).toEqual([
      ['here', true],
      ['there', false],
    ]);
    expect(await refusal(trial.queues.pause(ADMIN, 'there', true))).toMatchObject({ code: 'queue-elsewhere' });
    expect(await refusal(trial.queues.pause(ADMIN, 'nowhere', true))).toMatchObject({ code: 'not-found' });
  });

  it('hand out no states as long as a webhook reads them in binary mode, which has no place for them', async () => {
    await trial.queues.put(ADMIN, 'read', request());
    trial.webhooks.push({ name: 'reader', queue: 'read', contentMode: 'binary' });
    const refused = { code: 'conflict', field: 'shape' };
    await expect(trial.queues.put(ADMIN, 'read', request({ shape: 'state' }))).rejects.toMatchObject(refused);
    trial.webhooks.length = 0;
    expect((await trial.queues.put(ADMIN, 'read', request({ shape: 'state' }))).view).toMatchObject({ shape: 'state' });
  });

  it('that webhooks bring are changed and deleted with them only, and those they read stay as long as they do', async () => {
    const own = await trial.queues.defineOwn(ADMIN, 'hook', { types: [TYPE], deadLetters: false }, undefined);
    expect(own).toMatchObject({ implicit: true, order: 'key', deadLetters: false, version: 1 });
    trial.queues.begin(own);
    expect(await refusal(trial.queues.put(ADMIN, 'hook', request()))).toMatchObject({ code: 'conflict' });
    expect(await refusal(trial.queues.delete(ADMIN, 'hook'))).toMatchObject({ code: 'conflict' });
    const changed: QueueDefinition = await trial.queues.defineOwn(ADMIN, 'hook', { types: ['*'] }, own);
    expect(changed).toMatchObject({ uuid: own.uuid, version: 2, types: ['*'] });
    await trial.queues.put(ADMIN, 'read', request());
    trial.webhooks.push({ name: 'reader', queue: 'read' });
    expect(await refusal(trial.queues.delete(ADMIN, 'read'))).toMatchObject({ code: 'conflict' });
    expect(await refusal(trial.queues.defineOwn(ADMIN, 'bad', {}, undefined))).toMatchObject({ field: 'types' });
  });
});
