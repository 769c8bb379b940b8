import { HeddleError } from '@heddle/event';
import type { PartitionBounds, ReadBatch, ReadGap } from '@heddle/event';
import type { KafkaMessage } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PartitionIntake, type IntakeSettings } from './partition-intake.js';
import { headersOf } from './record.js';

const KNOWN = 1;
const NEW = 2;
const UNKNOWN = 3;
const UNREACHABLE = 4;

let batches: ReadBatch[];
let aside: string[];
let gaps: ReadGap[];
let flows: boolean[];
let isReachable: boolean;

beforeEach(() => {
  vi.useFakeTimers();
  [batches, aside, gaps, flows, isReachable] = [[], [], [], [], false];
});
afterEach(() => {
  vi.useRealTimers();
});

function intake(own: Partial<IntakeSettings> = {}): PartitionIntake {
  const loaded = new Set([KNOWN]);
  return new PartitionIntake({
    topic: 't',
    partition: 0,
    from: 0,
    decoder: {
      isLoaded: (id) => loaded.has(id),
      load: (id) => {
        if (id === UNKNOWN) return Promise.reject(new HeddleError('schema-unknown', 'none'));
        if (id === UNREACHABLE && !isReachable) return Promise.reject(new HeddleError('registry-unavailable', 'away'));
        loaded.add(id);
        return Promise.resolve();
      },
      encode: () => Buffer.alloc(0),
      decode: (wire) => {
        if (wire.length > 5) throw new HeddleError('data-invalid', 'broken');
        return { schemaId: wire[4] ?? 0, data: {} };
      },
    },
    hand: (batch) => void batches.push(batch),
    setAside: ({ offset }, { reason }) => aside.push(`${offset} ${reason}`),
    bounds: () => Promise.resolve({ partition: 0, earliest: 0, end: 1_000_000 }),
    onGap: (gap) => void gaps.push(gap),
    flow: (isWanted) => void flows.push(isWanted),
    log: () => undefined,
    ...own,
  });
}

function message(offset: number, key: string, schemaId: number, more: number[] = []): KafkaMessage {
  const value = Buffer.from([0, 0, 0, 0, schemaId, ...more]);
  const attributes = { id: String(offset), source: '/t', type: 'a.b', datacontenttype: 'application/avro' };
  return {
    key: Buffer.from(key),
    value,
    offset: String(offset),
    timestamp: '0',
    attributes: 0,
    headers: Object.fromEntries(
      Object.entries(headersOf({ attributes, value })).map(([name, held]) => [name, Buffer.from(held as string)]),
    ),
  };
}

function fetched(messages: KafkaMessage[], next = Number(messages.at(-1)?.offset) + 1) {
  return { topic: 't', partition: 0, messages, first: Number(messages[0]?.offset), next, end: next };
}

const offsets = () => batches.flatMap((batch) => batch.events.map((event) => event.offset));

describe('the records of a partition', () => {
  it('become events in the same turn when their schemas are known', () => {
    intake().push(fetched([message(0, 'a', KNOWN), message(1, 'b', KNOWN)]));
    expect(offsets()).toEqual([0, 1]);
    expect(batches[0]).toMatchObject({ nextOffset: 2, end: 2 });
  });

  it('wait a moment for a schema that is seen for the first time, and keep their order', async () => {
    intake().push(fetched([message(0, 'a', KNOWN), message(1, 'b', NEW), message(2, 'a', KNOWN)]));
    await vi.advanceTimersByTimeAsync(0);
    expect(offsets()).toEqual([0, 1, 2]);
  });

  it('are set aside when they are broken or their schema does not exist, and the position passes them', async () => {
    intake().push(fetched([message(0, 'a', UNKNOWN), message(1, 'a', KNOWN, [9]), message(2, 'a', KNOWN)]));
    await vi.advanceTimersByTimeAsync(0);
    expect(aside).toEqual(['0 schema-unknown', '1 data-invalid']);
    expect(offsets()).toEqual([2]);
    expect(batches.at(-1)?.nextOffset).toBe(3);
  });

  it('of a key whose schema cannot be had wait; others pass, and the position stays', async () => {
    const own = intake();
    own.push(
      fetched([message(0, 'x', KNOWN), message(1, 'a', UNREACHABLE), message(2, 'a', KNOWN), message(3, 'b', KNOWN)]),
    );
    await vi.advanceTimersByTimeAsync(0);
    expect(offsets()).toEqual([0, 3]);
    expect(batches.at(-1)?.nextOffset).toBe(1);
    own.push(fetched([message(4, 'a', KNOWN), message(5, 'b', KNOWN)]));
    await vi.advanceTimersByTimeAsync(1500);
    expect(offsets()).toEqual([0, 3, 5]);
    isReachable = true;
    await vi.advanceTimersByTimeAsync(2000);
    expect(offsets()).toEqual([0, 3, 5, 1, 2, 4]);
    expect(batches.at(-1)?.nextOffset).toBe(6);
    expect(aside).toEqual([]);
    own.stop();
  });

  it('wait with the whole partition for a schema that cannot be had, where all is to stay in order', async () => {
    const own = intake({ inOrder: true });
    own.push(
      fetched([message(0, 'x', KNOWN), message(1, 'a', UNREACHABLE), message(2, 'b', KNOWN), message(3, 'c', UNKNOWN)]),
    );
    own.push(fetched([message(4, 'b', KNOWN)]));
    await vi.advanceTimersByTimeAsync(5000);
    expect(offsets()).toEqual([]);
    isReachable = true;
    await vi.advanceTimersByTimeAsync(2000);
    expect(offsets()).toEqual([0, 1, 2, 4]);
    expect(aside).toEqual(['3 schema-unknown']);
    own.stop();
  });

  it('wait all together when more than a thousand are held, and none is lost', async () => {
    const own = intake();
    const held = Array.from({ length: 1000 }, (_, offset) => message(offset, `k${offset % 10}`, UNREACHABLE));
    own.push(fetched(held));
    await vi.advanceTimersByTimeAsync(0);
    own.push(fetched([message(1000, 'free', KNOWN)]));
    await vi.advanceTimersByTimeAsync(5000);
    expect(offsets()).toEqual([]);
    isReachable = true;
    await vi.advanceTimersByTimeAsync(2000);
    expect(offsets()).toHaveLength(1001);
    expect(offsets().at(-1)).toBe(1000);
    own.stop();
  });

  it('that come twice after a rejoin are taken once', () => {
    const own = intake();
    own.push(fetched([message(0, 'a', KNOWN), message(1, 'a', KNOWN)]));
    own.push(fetched([message(0, 'a', KNOWN), message(1, 'a', KNOWN), message(2, 'a', KNOWN)]));
    own.push(fetched([message(1, 'a', KNOWN)]));
    expect(offsets()).toEqual([0, 1, 2]);
    expect(own.position).toBe(3);
  });

  it('are asked for no further while the reader is behind, and again when it has caught up', async () => {
    const gate = Promise.withResolvers<void>();
    const own = intake({ hand: (batch) => (batches.push(batch), gate.promise) });
    for (let offset = 0; offset < 2200; offset += 1) own.push(fetched([message(offset, 'a', KNOWN)]));
    expect(batches).toHaveLength(1);
    expect(flows[0]).toBe(false);
    gate.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(offsets()).toEqual(Array.from({ length: 2200 }, (_, offset) => offset));
    expect(flows.at(-1)).toBe(true);
  });
});

describe('a jump in the offsets', () => {
  const bounds = (earliest: number) => (): Promise<PartitionBounds> =>
    Promise.resolve({ partition: 0, earliest, end: 100 });

  it('is a gap when the log begins behind what was wanted', async () => {
    intake({ bounds: bounds(7) }).push(fetched([message(8, 'a', KNOWN)]));
    await vi.advanceTimersByTimeAsync(0);
    expect(gaps).toEqual([{ topic: 't', partition: 0, from: 0, to: 7 }]);
    expect(offsets()).toEqual([8]);
  });

  it('is none when compaction or a transaction left it', async () => {
    intake({ bounds: bounds(0) }).push(fetched([message(8, 'a', KNOWN)]));
    await vi.advanceTimersByTimeAsync(0);
    expect(gaps).toEqual([]);
    expect(offsets()).toEqual([8]);
  });
});
