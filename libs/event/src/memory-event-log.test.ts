import { describe, expect, it } from 'vitest';
import { eventLogContract } from '../../../test/src/contract/event-log.contract.js';
import { HeddleError } from './errors.js';
import type { Append, ReadGap } from './event-log.js';
import type { Event } from './event.js';
import { MemoryEventLog } from './memory-event-log.js';
import { uuidv7 } from './uuid.js';

function event(n: number): Event {
  return {
    attributes: { id: uuidv7(), source: '/test', type: 'heddle.test.v1.Test.Happened.v1' },
    value: Buffer.from(JSON.stringify({ n })),
  };
}

function decode({ value }: Event): { data: unknown } {
  return { data: JSON.parse(Buffer.from(value).toString()) as unknown };
}

eventLogContract('in memory', () => {
  const log = new MemoryEventLog({ decode, stopPatienceMs: 50 });
  const refused = new Set<Event>();
  log.failAppend = (append) =>
    refused.has(append.event) ? new HeddleError('too-large', 'The event is larger than its topic allows.') : undefined;
  return Promise.resolve({
    log,
    event,
    refused: (append: Append) => {
      refused.add(append.event);
      return append;
    },
    putForeign: async (topic, key) => {
      await log.append([{ topic, key, event: { ...event(0), value: Buffer.from('{') } }]);
    },
    setAside: () => log.setAside,
    retentionOf: (topic) => Promise.resolve(log.retention.get(topic)),
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

describe('the event log in memory', () => {
  it('reports a gap when what a reader wanted is no longer kept, and goes on at the start', async () => {
    const log = new MemoryEventLog({ decode, partitions: 1 });
    await log.append([1, 2, 3, 4].map((n) => ({ topic: 't', key: 'k', event: event(n) })));
    log.forget('t', 0, 2);
    const gaps: ReadGap[] = [];
    const done = Promise.withResolvers<number[]>();
    const reader = await log.read({
      topics: ['t'],
      from: () => 0,
      onGap: (gap) => void gaps.push(gap),
      onBatch: ({ events }) => done.resolve(events.map(({ offset }) => offset)),
    });
    expect(await done.promise).toEqual([2, 3]);
    expect(gaps).toEqual([{ topic: 't', partition: 0, from: 0, to: 2 }]);
    await reader.stop();
  });

  it('is not changed by what a caller does to its event afterwards', async () => {
    const log = new MemoryEventLog({ decode, partitions: 1 });
    const mine = event(1);
    await log.append([{ topic: 't', key: 'k', event: mine }]);
    mine.attributes.type = 'other';
    mine.value.fill(0);
    expect(log.records('t', 0, 0).events[0]).toMatchObject({
      attributes: { type: 'heddle.test.v1.Test.Happened.v1' },
      data: { n: 1 },
    });
  });
});
