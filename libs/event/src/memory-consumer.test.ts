import { describe, expect, it, vi } from 'vitest';
import { consumerContract } from '../../../test/src/contract/consumer.contract.js';
import { HeddleError } from './errors.js';
import type { Event } from './event.js';
import { MemoryEventLog } from './memory-event-log.js';
import { uuidv7 } from './uuid.js';

const WAIT = { timeout: 10_000, interval: 5 };

function event(n: number, more: Record<string, string> = {}): Event {
  return {
    attributes: { ...more, id: uuidv7(), source: '/test', type: 'heddle.test.v1.Test.Happened.v1' },
    value: Buffer.from(JSON.stringify({ n })),
  };
}

function decode({ value }: Event): { data: unknown } {
  return { data: JSON.parse(Buffer.from(value).toString()) as unknown };
}

consumerContract('in memory', () => {
  const lines: { event: string; group: unknown }[] = [];
  const log = new MemoryEventLog({
    decode,
    stopPatienceMs: 200,
    log: (_, name, { group }) => lines.push({ event: name, group }),
  });
  return Promise.resolve({
    log,
    event,
    lines: (group) => lines.filter((line) => line.group === group).map((line) => line.event),
    deadLetters: (group) =>
      Promise.resolve(
        log.deadLetters
          .filter((letter) => letter.group === group)
          .map(({ event: { attributes }, error, attempts }) => ({
            id: attributes.id,
            code: error instanceof HeddleError ? error.code : 'internal',
            reason: error instanceof Error ? error.message : String(error),
            error: error instanceof Error ? error.constructor.name : typeof error,
            attempts,
          })),
      ),
    close: () => log.close(),
  });
});

describe('a dead letter that cannot be written', () => {
  it('holds back its key, but is not handled again, until it can be', async () => {
    const log = new MemoryEventLog({ decode, partitions: 1 });
    log.isRefusingDeadLetters = true;
    const handled: string[] = [];
    const consumer = await log.consume({
      group: 'g',
      topics: ['t'],
      from: 'earliest',
      handle: (stored) => {
        handled.push(`${stored.key}${(stored.data as { n: number }).n}`);
        if (stored.key === 'a' && handled.length === 1) throw new HeddleError('conflict', 'no');
      },
    });
    await log.append([
      { topic: 't', key: 'a', event: event(1) },
      { topic: 't', key: 'a', event: event(2) },
      { topic: 't', key: 'b', event: event(1) },
    ]);
    await vi.waitFor(() => expect(handled).toEqual(['a1', 'b1']), WAIT);
    const waits = { retrying: 1, deadLettered: 0, partitions: [{ doneTo: 0 }] };
    await vi.waitFor(() => expect(consumer.status()).toMatchObject(waits), WAIT);
    log.isRefusingDeadLetters = false;
    await vi.waitFor(() => expect(handled).toEqual(['a1', 'b1', 'a2']), WAIT);
    expect(log.deadLetters).toMatchObject([{ attempts: 1, event: { key: 'a' } }]);
    await consumer.stop();
  });
});

describe('a consumer', () => {
  it('does not begin with sizes that make no sense', async () => {
    const log = new MemoryEventLog({ decode, partitions: 1 });
    const options = { group: 'g', topics: ['t'], from: 'earliest', handle: () => undefined } as const;
    for (const wrong of [
      { concurrency: 0 },
      { handlingMs: 0 },
      { retry: { attempts: 0, firstMs: 1 } },
      { retry: { delaysMs: [-1] } },
      { batches: [{ max: 5000, handle: () => undefined }] },
    ]) {
      await expect(log.consume({ ...options, ...wrong })).rejects.toMatchObject({ code: 'setting-invalid' });
    }
  });
});
