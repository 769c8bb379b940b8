import { HeddleError } from '@heddle/event';
import type { KafkaMessage } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { eventsOf } from './fetched-events.js';
import type { Foreign } from './record.js';
import type { SetAside } from './set-aside.js';

const AT = { topic: 'contract', partition: 2, offset: 10 };

function message(offset: number, schemaId: number): KafkaMessage {
  const headers = { ce_specversion: '1.0', ce_id: String(offset), ce_source: '/t', ce_type: 'a.b' };
  return {
    offset: String(offset),
    key: Buffer.from('k'),
    value: Buffer.from([0, 0, 0, 0, schemaId, 1, 2, 3]),
    timestamp: '1',
    attributes: 0,
    headers: Object.fromEntries(Object.entries(headers).map(([name, held]) => [name, Buffer.from(held)])),
  };
}

/** Schema 1 is known, 2 is to be learned, 3 is in no registry, 4 cannot be had at the moment. */
function decoder() {
  const loaded = new Set([1]);
  return {
    isLoaded: (id: number) => loaded.has(id),
    load: (id: number) => {
      if (id === 3) return Promise.reject(new HeddleError('schema-unknown', 'no such schema'));
      if (id === 4) return Promise.reject(new HeddleError('registry-unavailable', 'away'));
      loaded.add(id);
      return Promise.resolve();
    },
    encode: () => Buffer.alloc(0),
    decode: (bytes: Uint8Array) => ({ schemaId: bytes[4] ?? 0, data: {} }),
  };
}

function fetch(schemas: readonly number[], maxBytes = 1000) {
  const aside: { offset: number; foreign: Foreign }[] = [];
  const setAside = {
    add: (_topic: string, _partition: number, { offset }: KafkaMessage, foreign: Foreign) =>
      void aside.push({ offset: Number(offset), foreign }),
  } as SetAside;
  const messages = schemas.map((schemaId, index) => message(10 + index, schemaId));
  const fetched = { from: 10, messages, next: 10 + schemas.length + 2, end: 100 };
  return { aside, batch: eventsOf({ decoder: decoder(), setAside }, AT, fetched, maxBytes) };
}

describe('the events of a fetch', () => {
  it('learn the schemas they need, and reach as far as the records did, gaps at their end included', async () => {
    const { events, ...batch } = await fetch([1, 2, 2]).batch;
    expect(events.map(({ offset, schemaId }) => [offset, schemaId])).toEqual([
      [10, 1],
      [11, 2],
      [12, 2],
    ]);
    expect(batch).toEqual({ topic: 'contract', partition: 2, from: 10, nextOffset: 15, end: 100 });
  });

  it('are without those of a schema that no registry has, which are set aside', async () => {
    const { aside, batch } = fetch([3, 1]);
    expect((await batch).events.map(({ offset }) => offset)).toEqual([11]);
    expect(aside).toEqual([
      { offset: 10, foreign: { reason: 'schema-unknown', detail: expect.any(String) as string } },
    ]);
  });

  it('end before one whose schema cannot be had right now, and are refused when it is the first', async () => {
    const { aside, batch } = fetch([1, 4, 1]);
    expect(await batch).toMatchObject({ events: [{ offset: 10 }], nextOffset: 11 });
    expect(aside).toEqual([]);
    await expect(fetch([4, 1]).batch).rejects.toMatchObject({ code: 'registry-unavailable', retryable: true });
  });

  it('are about as many bytes as asked for, at least one', async () => {
    expect(await fetch([1, 1, 1], 1).batch).toMatchObject({ events: [{ offset: 10 }], nextOffset: 11 });
    expect(await fetch([1, 1, 1], 9).batch).toMatchObject({ events: [{}, {}], nextOffset: 12 });
  });
});
