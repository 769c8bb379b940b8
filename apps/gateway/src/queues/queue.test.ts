import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DueHeap } from './due-heap.js';
import { QUEUE_NAME, checkQueueName } from './queue.shape.js';
import { attemptsOf, retryDelayMs } from './queue.js';

const schedule = { firstMs: 1000, factor: 2, capMs: 300_000, jitter: 0.25, attempts: 10, maxAgeMs: 86_400_000 };

it('retry delays never shrink below the schedule, and are bounded', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, chance) => {
      const delay = retryDelayMs(schedule, attempt, chance);
      expect(delay).toBeGreaterThanOrEqual(retryDelayMs(schedule, Math.max(1, attempt - 1), 0));
      expect(delay).toBeLessThanOrEqual(schedule.capMs * 1.25);
    }),
  );
});

it('the first retry comes after the first delay', () => {
  expect(retryDelayMs(schedule, 1, 0)).toBe(1000);
  expect(retryDelayMs(schedule, 4, 0)).toBe(8000);
});

it('a list of delays says every delay, and how many attempts there are', () => {
  const listed = { ...schedule, delaysMs: [5, 60_000], jitter: 0 };
  expect([1, 2, 3].map((attempt) => retryDelayMs(listed, attempt, 0.5))).toEqual([5, 60_000, 60_000]);
  expect(attemptsOf(listed)).toBe(3);
  expect(attemptsOf(schedule)).toBe(10);
});

it('a heap gives back what is due earliest first', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (times) => {
      const heap = new DueHeap<{ dueAt: number }>();
      for (const dueAt of times) heap.push({ dueAt });
      const popped: number[] = [];
      for (let item = heap.pop(); item !== undefined; item = heap.pop()) popped.push(item.dueAt);
      expect(popped).toEqual([...times].sort((a, b) => a - b));
    }),
  );
});

it('the attempts of a queue that counts redeliveries are one more, and without end where those are 0', () => {
  expect(attemptsOf(schedule, 255)).toBe(256);
  expect(attemptsOf({ ...schedule, delaysMs: [1] }, 4)).toBe(5);
  expect(attemptsOf(schedule, 0)).toBe(Infinity);
});

it('a queue name is what the description of it says', () => {
  const part = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9_.-]{0,4}$/),
    fc.constantFrom('.', '..', '...', 'ü', 'x'.repeat(109), 'x'.repeat(110), 'x'.repeat(111), 'x'.repeat(112)),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 22 }), (parts) => {
      const name = parts.join('/');
      let isAllowed = true;
      try {
        checkQueueName(name);
      } catch {
        isAllowed = false;
      }
      expect(isAllowed).toBe(name.length <= 164 && QUEUE_NAME.test(name));
    }),
    { numRuns: 1000 },
  );
});
