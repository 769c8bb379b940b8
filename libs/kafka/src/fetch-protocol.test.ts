import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FetchPartition, decodeFetch, encodeFetch } from './fetch-protocol.js';

const require = createRequire(import.meta.url);
const original = require('kafkajs/src/protocol/requests/fetch/v11/request') as (data: object) => {
  encode(): Promise<{ buffer: Buffer }>;
};
const Encoder = require('kafkajs/src/protocol/encoder') as new () => Record<string, (value: unknown) => never> & {
  buffer: Buffer;
};

const partition = fc.record({
  topic: fc.constantFrom('sales-order', 'contract', 'ü'),
  partition: fc.nat(100),
  offset: fc.maxSafeNat(),
});

describe('a fetch request', () => {
  it('has the bytes that kafkajs would write', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(partition, { maxLength: 12 }),
        fc.nat(1000),
        fc.integer({ min: -1, max: 1000 }),
        async (changed, sessionId, epoch) => {
          const topics = [...new Set(changed.map(({ topic }) => topic))].map((topic) => ({
            topic,
            partitions: changed.filter((at) => at.topic === topic).map((at) => inWordsOfKafkajs(at)),
          }));
          const theirs = await original({
            replicaId: -1,
            maxWaitTime: 250,
            minBytes: 1,
            maxBytes: 10 * 1024 * 1024,
            isolationLevel: 1,
            sessionId,
            sessionEpoch: epoch,
            topics,
            rackId: '',
          }).encode();
          const ours = encodeFetch({ sessionId, epoch, changed, forgotten: [], maxWaitMs: 250 });
          expect(ours.equals(theirs.buffer)).toBe(true);
        },
      ),
    );
  });

  it('asks for as many bytes as it is told, of the answer and of each partition in it', () => {
    const changed = [{ topic: 'a', partition: 0, offset: 5 }];
    const request = { sessionId: 0, epoch: -1, changed, forgotten: [], maxWaitMs: 0 };
    const bytes = encodeFetch({ ...request, maxBytes: 77 });
    expect(bytes.readInt32BE(12)).toBe(77);
    expect(bytes.readInt32BE(bytes.length - 10)).toBe(77);
    expect(bytes.length).toBe(encodeFetch(request).length);
  });

  it('names forgotten partitions behind the changed ones', () => {
    const bytes = encodeFetch({
      sessionId: 7,
      epoch: 2,
      changed: [],
      forgotten: [{ topic: 'ab', partition: 5 }],
      maxWaitMs: 1,
    });
    // No topics; then one, named ab, with one partition, number 5; no rack.
    expect(bytes.subarray(25).toString('hex')).toMatch(/^0{8}0{7}10{3}261620{7}10{7}50{4}$/);
  });
});

it('an answer is read with every partition, its marks and its records', () => {
  const records = Buffer.from('records');
  const encoder = new Encoder();
  encoder['writeInt32']!(0);
  encoder['writeInt16']!(0);
  encoder['writeInt32']!(42);
  encoder['writeInt32']!(1);
  encoder['writeString']!('contract');
  encoder['writeInt32']!(2);
  for (const [number, aborted] of [
    [3, 1],
    [4, 0],
  ]) {
    encoder['writeInt32']!(number);
    encoder['writeInt16']!(number === 4 ? 1 : 0);
    for (const offset of [100, 99, 0]) encoder['writeInt64']!(offset);
    encoder['writeInt32']!(aborted);
    for (let index = 0; index < (aborted ?? 0); index += 1) for (const value of [9, 8]) encoder['writeInt64']!(value);
    encoder['writeInt32']!(-1);
    if (number === 3) encoder['writeBytes']!(records);
    else encoder['writeInt32']!(0);
  }
  expect(decodeFetch(encoder.buffer)).toEqual({
    errorCode: 0,
    sessionId: 42,
    partitions: [
      {
        topic: 'contract',
        partition: 3,
        errorCode: 0,
        highWatermark: 100,
        lastStableOffset: 99,
        aborted: [{ producerId: '9', firstOffset: '8' }],
        records,
      },
      {
        topic: 'contract',
        partition: 4,
        errorCode: 1,
        highWatermark: 100,
        lastStableOffset: 99,
        aborted: [],
        records: Buffer.alloc(0),
      },
    ],
  });
});

function inWordsOfKafkajs({ partition: number, offset }: FetchPartition): object {
  return { partition: number, fetchOffset: offset, maxBytes: 1024 * 1024 };
}
