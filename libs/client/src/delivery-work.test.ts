import { describe, expect, it } from 'vitest';
import { DeliveryWork, type WorkOptions } from './delivery-work.js';
import { type Settlement, type WireDelivery, reject, release } from './delivery.js';
import type { CloudEvent } from './cloud-event.js';

describe('what becomes of an event', () => {
  it('is what its handler returns; failing releases it, with the reason', async () => {
    const outcomes: Record<string, () => unknown> = {
      e1: () => undefined,
      e2: () => release({ delayMs: 1500.4, reason: 'busy' }),
      e3: () => reject('no such order'),
      e4: () => {
        throw new Error('the warehouse does not answer');
      },
      e5: () => Promise.reject(new Error('x'.repeat(2000))),
      e6: () => release({ delayMs: -1 }),
    };
    const { work, said } = working({ handle: ({ id }) => outcomes[id]!() as never });
    work.add(Object.keys(outcomes).map((id) => wire(id)));
    await turn();
    const settlements = Object.fromEntries(said().map(({ lease, ...rest }) => [lease, rest]));
    expect(settlements).toMatchObject({
      'lease-e1': { action: 'accept' },
      'lease-e2': { action: 'release', delayMs: 1500, reason: 'busy' },
      'lease-e3': { action: 'reject', reason: 'no such order' },
      'lease-e4': { action: 'release', reason: 'Error: the warehouse does not answer' },
      'lease-e6': { action: 'release', delayMs: 0 },
    });
    expect(settlements['lease-e5']!.reason).toHaveLength(1024);
  });

  it('is kept until it is answered, and said again when the answer was lost', async () => {
    const settled: unknown[] = [];
    const { work, said } = working({
      handle: () => undefined,
      onSettled: (_event, _delivery, result) => settled.push(result),
    });
    work.add([wire('e1'), wire('e2')]);
    await turn();
    expect(said()).toHaveLength(2);
    expect(said()).toEqual([]);
    work.sayAgain();
    expect(said()).toHaveLength(2);
    work.answered([{ lease: 'lease-e1', state: 'accepted' }], 0);
    work.sayAgain();
    expect(said()).toEqual([{ lease: 'lease-e2', action: 'accept' }]);
    work.answered([{ lease: 'lease-e2', code: 'lease-lost' }], 0);
    expect(work.size).toBe(0);
    expect(settled).toEqual([
      { lease: 'lease-e1', state: 'accepted' },
      { lease: 'lease-e2', code: 'lease-lost' },
    ]);
  });
});

it('no more are worked on at a time than it says, and the next begin as others end', async () => {
  const open: (() => void)[] = [];
  const begun: string[] = [];
  const { work } = working({ concurrency: 2, handle: (event) => held(event, begun, open) });
  work.add(['e1', 'e2', 'e3', 'e4'].map((id) => wire(id)));
  expect([begun, work.free]).toEqual([['e1', 'e2'], 0]);
  open[0]!();
  await turn();
  expect(begun).toEqual(['e1', 'e2', 'e3']);
});

describe('leases', () => {
  it('are renewed at half their time for as long as is said, and then run out: the handler is told', () => {
    const lost: string[] = [];
    const signals: AbortSignal[] = [];
    const { work } = working({
      renewForMs: 5000,
      handle: (_event, { signal }) => {
        signals.push(signal);
        return new Promise<void>(() => undefined);
      },
      onLost: ({ id }, _delivery, code) => lost.push(`${id} ${code}`),
    });
    work.add([wire('e1')], 0);
    expect(work.renewals(2000, 999)).toEqual([]);
    expect(work.renewals(2000, 1000)).toEqual([{ lease: 'lease-e1', action: 'renew', leaseMs: 2000 }]);
    work.answered([{ lease: 'lease-e1', state: 'renewed' }], 1000);
    expect(work.renewals(2000, 1999)).toEqual([]);
    expect(work.renewals(2000, 4999)).toHaveLength(1);
    work.answered([{ lease: 'lease-e1', state: 'renewed' }], 4999);
    expect(work.renewals(2000, 6998)).toEqual([]);
    expect([lost, signals[0]!.aborted]).toEqual([[], false]);
    expect(work.renewals(2000, 6999)).toEqual([]);
    expect([lost, signals[0]!.aborted, work.size]).toEqual([['e1 lease-expired'], true, 0]);
  });

  it('that are lost hold back what comes of the same key until the handler has ended, and nothing else', async () => {
    const open: (() => void)[] = [];
    const begun: string[] = [];
    const { work, said } = working({ handle: (event) => held(event, begun, open) });
    work.add([wire('e1', 'K')]);
    work.lost('lease-e1', 'lease-lost');
    work.add([wire('e1-again', 'K'), wire('e2', 'L')]);
    expect(begun).toEqual(['e1', 'e2']);
    open[0]!();
    await turn();
    expect(begun).toEqual(['e1', 'e2', 'e1-again']);
    // What the first one came to is nobody's business any more.
    expect(said()).toEqual([]);
    open[2]!();
    await turn();
    expect(said()).toEqual([{ lease: 'lease-e1-again', action: 'accept' }]);
  });
});

it('an event that is given out again while it is worked on has lost its lease, and waits for its first handler', async () => {
  const open: (() => void)[] = [];
  const begun: string[] = [];
  const lost: string[] = [];
  const { work, said } = working({ handle: (event) => held(event, begun, open), onLost: ({ id }) => lost.push(id) });
  work.add([wire('e1', 'K'), wire('e2', 'L')]);
  work.add([{ ...wire('e1', 'K'), lease: 'another', attempt: 2, redelivery: 'yes' }]);
  expect([lost, begun, work.leases]).toEqual([['e1'], ['e1', 'e2'], ['lease-e2', 'another']]);
  open[0]!();
  await turn();
  expect(begun).toEqual(['e1', 'e2', 'e1']);
  open[2]!();
  await turn();
  expect(said()).toEqual([{ lease: 'another', action: 'accept' }]);
});

it('at the end what has not begun is forgotten, and what has begun is waited for', async () => {
  const open: (() => void)[] = [];
  const begun: string[] = [];
  const { work, said } = working({ concurrency: 1, handle: (event) => held(event, begun, open) });
  work.add([wire('e1'), wire('e2')]);
  expect(work.stop()).toBe(1);
  work.add([wire('e3')]);
  expect(work.leases).toEqual(['lease-e1']);
  let isIdle = false;
  void work.whenIdle().then(() => (isIdle = true));
  open[0]!();
  await turn();
  expect([said(), isIdle]).toEqual([[{ lease: 'lease-e1', action: 'accept' }], false]);
  work.answered([{ lease: 'lease-e1', state: 'accepted' }], 0);
  await turn();
  expect([isIdle, begun]).toEqual([true, ['e1']]);
});

function working(options: Partial<WorkOptions> & Pick<WorkOptions, 'handle'>) {
  const work = new DeliveryWork({ concurrency: 100, renewForMs: 60_000, ...options }, () => undefined);
  return { work, said: (): Settlement[] => work.take(1000) };
}

function wire(id: string, key = id): WireDelivery {
  const event: CloudEvent = { specversion: '1.0', id, source: '/s', type: 't', partitionkey: key };
  return { lease: `lease-${id}`, attempt: 1, redelivery: 'no', event };
}

function held({ id }: CloudEvent, begun: string[], open: (() => void)[]): Promise<void> {
  begun.push(id);
  return new Promise((resolve) => open.push(resolve));
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
