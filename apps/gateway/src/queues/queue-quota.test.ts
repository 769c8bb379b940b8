import { HeddleError } from '@heddle/event';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { callerFor } from '../identity/identity-trial.js';
import { queueShape } from './queue.shape.js';
import { TYPE, TrialQueues } from './queues-trial.js';

const ADMIN = callerFor();
const asked = queueShape.parse({ types: [TYPE] });
let trial: TrialQueues;

beforeEach(async () => {
  trial = new TrialQueues();
  await trial.start();
  trial.admit = () => {
    if (trial.stored.size >= 2) throw new HeddleError('quota-exceeded', 'No more queues.', { field: 'queues' });
  };
});

afterEach(() => trial.queues.stop());

it('a tenant that has as many queues as it may is refused another, also one that a webhook brings, and none is stored', async () => {
  await trial.queues.put(ADMIN, 'one', asked);
  await trial.queues.put(ADMIN, 'two', asked);
  await expect(trial.queues.put(ADMIN, 'three', asked)).rejects.toMatchObject({
    code: 'quota-exceeded',
    field: 'queues',
  });
  await expect(trial.queues.defineOwn(ADMIN, 'four', { types: [TYPE] }, undefined)).rejects.toMatchObject({
    status: 409,
  });
  expect([...trial.stored.keys()]).toEqual(['one', 'two']);
});

it('it may still change those it has, and make another once it has deleted one', async () => {
  await trial.queues.put(ADMIN, 'one', asked);
  await trial.queues.put(ADMIN, 'two', asked);
  expect((await trial.queues.put(ADMIN, 'two', asked)).created).toBe(false);
  await trial.queues.delete(ADMIN, 'one');
  expect((await trial.queues.put(ADMIN, 'three', asked)).created).toBe(true);
});
