import { callerFor } from '../identity/identity-trial.js';
import { HeddleError } from '@heddle/event';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LedgerTrial } from './ledger-trial.js';
import { deadLettersQuery } from './ledger.shape.js';

const ADMIN = callerFor();

const POLL = { timeout: 10_000 };

describe('a redrive', () => {
  let trial: LedgerTrial;

  beforeEach(async () => {
    trial = await LedgerTrial.start();
    for (let n = 0; n < 5; n += 1) trial.givenUp(await trial.append(`K${n}`, `e${n}`));
    trial.givenUp(await trial.append('K9', 'e9'), { queue: 'others', uuid: 'u2' });
    await trial.ledger.flush();
  });

  afterEach(() => trial.close());

  const letters = (query: object = {}) => trial.lookUps.deadLetters.list(ADMIN, deadLettersQuery.parse(query));
  const begin = (request: object) =>
    trial.lookUps.redrives.begin(ADMIN, { dryRun: false, ratePerSecond: 1000, ...request });
  const ended = async (id: string): Promise<void> => {
    await expect.poll(async () => (await trial.lookUps.redrives.get(ADMIN, id)).state, POLL).not.toBe('running');
  };

  it('counts without doing anything, and then puts back what it counted, marked as redriven', async () => {
    expect(await begin({ filter: { queue: 'orders' }, dryRun: true })).toMatchObject({
      state: 'counted',
      selected: 5,
    });
    expect((await letters({ state: 'open' })).deadLetters).toHaveLength(6);
    const { id } = await begin({ filter: { queue: 'orders' } });
    await ended(id);
    expect(await trial.lookUps.redrives.get(ADMIN, id)).toMatchObject({ state: 'done', placed: 5, failed: 0 });
    expect(trial.placed.flatMap(({ letters: own }) => own.map(({ event }) => event.id)).toSorted()).toEqual([
      'e0',
      'e1',
      'e2',
      'e3',
      'e4',
    ]);
    expect(trial.placed[0]).toMatchObject({ queue: 'orders', cycle: id });
    expect((await letters({ state: 'open' })).deadLetters).toMatchObject([{ event: { id: 'e9' } }]);
    expect((await letters({ state: 'redriven' })).deadLetters[0]).toMatchObject({ redriven: { by: id } });
  });

  it('of single letters takes each once', async () => {
    const [{ id: letter } = { id: '' }] = (await letters({ queue: 'others' })).deadLetters;
    await ended((await begin({ ids: [letter] })).id);
    expect(await begin({ ids: [letter], dryRun: true })).toMatchObject({ selected: 0 });
    expect(trial.placed).toHaveLength(1);
  });

  it('leaves open what could not be put back, and says why', async () => {
    trial.place = ({ name }) =>
      name === 'others' ? Promise.reject(new HeddleError('not-found', 'There is no queue others.')) : Promise.resolve();
    const { id } = await begin({ filter: {} });
    await ended(id);
    expect(await trial.lookUps.redrives.get(ADMIN, id)).toMatchObject({
      state: 'done',
      placed: 5,
      failed: 1,
      failures: [{ reason: 'There is no queue others.' }],
    });
    expect((await letters({ state: 'open' })).deadLetters).toMatchObject([{ queue: 'others' }]);
  });

  it('marks nothing before it is back', async () => {
    const back = Promise.withResolvers<void>();
    trial.place = () => back.promise;
    const { id } = await begin({ filter: { queue: 'orders' } });
    expect((await letters({ state: 'redriven' })).deadLetters).toEqual([]);
    back.resolve();
    await ended(id);
    expect((await letters({ state: 'redriven' })).deadLetters).toHaveLength(5);
  });

  it('stops when it is told to; the rest stays open, and the report remains', async () => {
    const { id } = await begin({ filter: {}, ratePerSecond: 0.1 });
    await expect.poll(() => trial.placed.length, POLL).toBe(1);
    expect(await trial.lookUps.redrives.stop(ADMIN, id)).toMatchObject({ state: 'stopped', placed: 1 });
    expect((await letters({ state: 'open' })).deadLetters).toHaveLength(5);
    await trial.ledger.flush();
    await trial.reopen();
    expect(await trial.lookUps.redrives.list(ADMIN)).toMatchObject([{ id, state: 'stopped', placed: 1 }]);
  });

  it('needs either ids or a filter', async () => {
    await expect(begin({})).rejects.toMatchObject({ code: 'data-invalid' });
  });
});
