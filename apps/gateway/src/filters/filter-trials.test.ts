import { callerFor } from '../identity/identity-trial.js';
import { MemoryEventLog, objectTopicSpec } from '@heddle/event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FilterTrials } from './filter-trials.js';
import { filterShape } from './filter.shape.js';
import { trialResultShape, trialShape } from './filters.controller.js';

const ADMIN = callerFor();

let log: MemoryEventLog;
let trials: FilterTrials;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 });
  log = new MemoryEventLog({
    decode: ({ value }) => ({ data: JSON.parse(Buffer.from(value).toString()) as unknown }),
  });
  const topics = ['sales-order', 'contract'];
  await log.ensureTopics(topics.map((topic) => objectTopicSpec(topic, 3)));
  trials = new FilterTrials(
    log,
    () => topics,
    (_caller, event) => event,
  );
});

afterEach(() => {
  vi.useRealTimers();
});

/** Events of one call carry numbers from `from` on, in their ids and their data. */
async function append(topic: string, type: string, from: number, count: number): Promise<void> {
  for (let number = from; number < from + count; number += 1) {
    await log.append([
      {
        topic,
        key: `${number}`,
        event: {
          attributes: { id: `${topic}-${number}`, source: '/s', type, subject: `${number}` },
          value: Buffer.from(JSON.stringify({ number })),
        },
      },
    ]);
  }
}

describe('a trial', () => {
  it('says of each of the newest events whether it matches, and if not why', async () => {
    await append('sales-order', 'order.Created', 0, 3);
    await append('contract', 'contract.Signed', 0, 1);
    const { events, matched, isCut } = await trials.run(ADMIN, {
      filter: [{ prefix: { type: 'order.' } }, { cel: 'data.number > 1' }],
      last: 10,
    });
    expect({ matched, isCut }).toEqual({ matched: 1, isCut: false });
    const said = Object.fromEntries(events.map(({ id, matches, reason }) => [id, reason ?? matches]));
    expect(said).toEqual({
      'sales-order-0': 'filter.1.cel: is false',
      'sales-order-1': 'filter.1.cel: is false',
      'sales-order-2': true,
      'contract-0': 'filter.0.prefix.type: "contract.Signed" does not begin with "order."',
    });
    expect(trialResultShape.strict().parse({ events, matched, isCut })).toEqual({ events, matched, isCut });
  });

  it('takes the newest over all topics and partitions, newest first', async () => {
    await append('sales-order', 'order.Created', 0, 60);
    vi.setSystemTime(1000);
    await append('contract', 'contract.Signed', 0, 20);
    vi.setSystemTime(2000);
    await append('sales-order', 'order.Created', 60, 20);
    const { events } = await trials.run(ADMIN, { filter: [], last: 50 });
    const topics = events.map(({ topic }) => topic);
    expect(topics.slice(0, 20).every((topic) => topic === 'sales-order')).toBe(true);
    expect(topics.slice(20, 40).every((topic) => topic === 'contract')).toBe(true);
    expect(topics.slice(40)).toHaveLength(10);
    expect(new Set(events.map(({ id }) => id)).size).toBe(50);
    const times = events.map(({ appendedAt }) => appendedAt);
    expect(times).toEqual([...times].sort().reverse());
  });

  it('reads back past events of other types, to the beginning if it must', async () => {
    await append('sales-order', 'order.Created', 0, 5);
    await append('sales-order', 'order.Changed', 5, 400);
    const { events, isCut } = await trials.run(ADMIN, { filter: [], types: ['order.Cr*'], last: 5 });
    expect(events).toHaveLength(5);
    expect(events.every(({ type }) => type === 'order.Created')).toBe(true);
    expect(isCut).toBe(false);
    expect(await trials.run(ADMIN, { filter: [], types: ['nix'], last: 5 })).toEqual({
      events: [],
      matched: 0,
      isCut: false,
    });
  });

  it('that would read too much ends, and says so', async () => {
    const appends = Array.from({ length: 21_000 }, (_, number) => ({
      topic: 'contract',
      key: `${number}`,
      event: { attributes: { id: `${number}`, source: '/s', type: 'contract.Signed' }, value: Buffer.from('{}') },
    }));
    await log.append(appends);
    const { events, isCut } = await trials.run(ADMIN, { filter: [], types: ['order.*'], last: 1 });
    expect({ events, isCut }).toEqual({ events: [], isCut: true });
  });

  it('with a wrong filter or type pattern is refused', async () => {
    await expect(trials.run(ADMIN, { filter: [{ cel: 'x ==' }], last: 1 })).rejects.toMatchObject({
      code: 'filter-invalid',
      field: 'filter.0.cel',
    });
    await expect(trials.run(ADMIN, { filter: [], types: ['a*b'], last: 1 })).rejects.toMatchObject({
      code: 'parameter-invalid',
    });
  });
});

it('a request tries the last 100 unless it says otherwise, and at most 1,000', () => {
  expect(trialShape.parse({ filter: [{ exact: { id: 'x' } }] }).last).toBe(100);
  expect(trialShape.safeParse({ filter: [], last: 1001 }).success).toBe(false);
  expect(trialShape.safeParse({ filter: [], lats: 5 }).success).toBe(false);
  expect(filterShape.safeParse('x').success).toBe(false);
});
