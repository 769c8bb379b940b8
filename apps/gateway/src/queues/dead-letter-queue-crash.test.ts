import { CONTROL_TOPICS, HeddleError, RAW_TOPIC, type StoredEvent, rawTopicSpec } from '@heddle/event';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { TRIAL_TOPIC, TrialGround } from './engine-trial.js';

const WAIT = { timeout: 10_000 };
let ground: TrialGround;

beforeEach(async () => {
  ground = await TrialGround.make();
  await ground.eventLog.ensureTopics([rawTopicSpec(RAW_TOPIC, 1, -1)]);
});

async function stored(topic: string): Promise<StoredEvent[]> {
  const bounds = await ground.eventLog.bounds(topic);
  const batches = await Promise.all(
    bounds.map(({ partition }) => ground.eventLog.fetch({ topic, partition, offset: 0 })),
  );
  return batches.flatMap(({ events }) => events);
}

const moved = async (): Promise<string[]> => (await stored(RAW_TOPIC)).map(({ attributes }) => attributes.id);

/** An engine whose queue has one event ready. */
async function working() {
  const engine = await ground.startEngine();
  await engine.create('work', { start: {}, deadLetterQueue: 'dead' });
  await ground.append('k', 'e1');
  const queue = engine.queue('work');
  await vi.waitFor(() => expect(queue.statistics.ready).toBe(1), WAIT);
  return { engine, queue };
}

describe('a dead message queue, when the owner of the queue before it dies', () => {
  it('between what was given up and its progress: the message is there, and not lost', async () => {
    const { engine, queue: first } = await working();
    engine.dieAfterPuts(1, false);
    first.reject(first.acquire()!, { reason: 'never' });
    await vi.waitFor(async () => expect(await moved()).toEqual(['e1']), WAIT);
    await engine.kill();
    const next = await ground.startEngine();
    await ground.append('k', 'e2');
    const queue = next.queue('work');
    await vi.waitFor(() => expect(queue.statistics.ready).toBeGreaterThan(0), WAIT);
    // The ledger says that it was given up: only what came after it is delivered.
    expect(queue.acquire()!.event.stored.attributes.id).toBe('e2');
    expect(await moved()).toEqual(['e1']);
    await next.stop();
  });

  it('before anything was written: it is delivered again, and given up again', async () => {
    const { engine, queue } = await working();
    const append = vi.spyOn(ground.eventLog, 'append').mockReturnValue(new Promise(() => undefined));
    queue.reject(queue.acquire()!, { reason: 'never' });
    // What it writes now never arrives; it dies waiting.
    await vi.waitFor(() => expect(append).toHaveBeenCalled(), WAIT);
    await engine.kill();
    append.mockRestore();
    expect(await moved()).toEqual([]);
    const next = await ground.startEngine();
    const again = next.queue('work');
    await vi.waitFor(() => expect(again.statistics.ready).toBe(1), WAIT);
    again.reject(again.acquire()!, { reason: 'never' });
    await again.settled();
    expect(await moved()).toEqual(['e1']);
    await next.stop();
  });

  it('nothing of it is passed before it is written, however often the log refuses', async () => {
    const { engine, queue } = await working();
    ground.eventLog.failAppend = ({ topic }) =>
      topic === RAW_TOPIC ? new HeddleError('log-unavailable', 'away') : undefined;
    queue.reject(queue.acquire()!, { reason: 'never' });
    const settled = vi.fn<() => void>();
    void queue.settled().then(settled);
    await vi.waitFor(async () => expect(await stored(CONTROL_TOPICS.deadLetters)).toHaveLength(1), WAIT);
    expect(settled).not.toHaveBeenCalled();
    ground.eventLog.failAppend = undefined;
    await vi.waitFor(() => expect(settled).toHaveBeenCalled(), WAIT);
    expect(await moved()).toEqual(['e1']);
    expect(await stored(TRIAL_TOPIC)).toHaveLength(1);
    await engine.stop();
  });
});
