import fc from 'fast-check';
import type { IHeaders } from 'kafkajs';
import { createRequire } from 'node:module';
import { describe, expect, it, vi } from 'vitest';
import { encodeProduce, type PlainRecord, type ProduceData } from './produce-encoder.js';
import { decodeRecord, type BatchContext } from './record-decoder.js';

const require = createRequire(import.meta.url);
const theirRequest = require('kafkajs/src/protocol/requests/produce/v3/request.js') as (data: object) => {
  encode(): Promise<{ buffer: Buffer }>;
};
type RecordDecoder = (source: { buffer: Buffer; offset: number }, context: BatchContext) => unknown;
const theirDecoder = require('kafkajs/src/protocol/recordBatch/record/v0/decoder.js') as RecordDecoder;
const TheirSource = require('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => {
  buffer: Buffer;
  offset: number;
};
const theirRecord = require('kafkajs/src/protocol/recordBatch/record/v0/index.js') as (record: object) => {
  buffer: Buffer;
};

const text = fc.string({ unit: 'grapheme', maxLength: 90 });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const headerValue = fc.oneof(text, bytes, fc.array(text, { minLength: 1, maxLength: 3 }));
// kafkajs itself mixes headers up that are called like members of an object.
const headerName = fc.string({ maxLength: 20 }).filter((name) => !(name in Object.prototype));
const headers = fc.dictionary(headerName, headerValue, { maxKeys: 14 });
const record = fc.record({
  key: fc.oneof(text, bytes, fc.constant(null)),
  value: fc.oneof(bytes, fc.constant(null)),
  headers: headers as fc.Arbitrary<IHeaders>,
});
const partition = fc.record({
  partition: fc.nat(100),
  firstSequence: fc.nat(),
  messages: fc.array(record, { minLength: 1, maxLength: 5 }),
});

describe('the produce request', () => {
  it('is the same, byte for byte, as the one kafkajs makes', async () => {
    vi.useFakeTimers({ now: 1_790_000_000_123, toFake: ['Date'] });
    const data = fc.record({
      acks: fc.constant(-1),
      timeout: fc.nat(100_000),
      producerId: fc.bigInt({ min: 0n, max: 2n ** 62n }).map(String),
      producerEpoch: fc.nat(30_000),
      topicData: fc.array(
        fc.record({ topic: fc.string({ minLength: 1 }), partitions: fc.array(partition, { maxLength: 3 }) }),
        { maxLength: 3 },
      ),
    });
    await fc.assert(
      fc.asyncProperty(data, async (request) => {
        const theirs = await theirRequest(request).encode();
        expect(encodeProduce(request as ProduceData).equals(theirs.buffer)).toBe(true);
      }),
      { numRuns: 200 },
    );
    vi.useRealTimers();
  });

  it('keeps timestamps that records bring, and the transactional id', async () => {
    const times = ['1790000000000', '1690000000000', '1790000009999'];
    const request: ProduceData = {
      acks: -1,
      timeout: 1,
      transactionalId: 'tränsaction',
      producerId: '7',
      producerEpoch: 1,
      topicData: [
        {
          topic: 't',
          partitions: [
            {
              partition: 0,
              firstSequence: 0,
              messages: times.map((timestamp) => ({ value: 'v', key: 'k', timestamp })),
            },
          ],
        },
      ],
    };
    expect(encodeProduce(request).equals((await theirRequest(request).encode()).buffer)).toBe(true);
  });
});

describe('a record read back', () => {
  const context: BatchContext = {
    firstOffset: '4711',
    firstTimestamp: '1790000000000',
    magicByte: 2,
    isControlBatch: false,
    timestampType: 0,
    maxTimestamp: '1790000000500',
  };

  it('is the same as kafkajs reads it, names of object members aside', () => {
    const deltas = fc.record({ offsetDelta: fc.nat(100_000), timestampDelta: fc.integer() });
    fc.assert(
      fc.property(record, deltas, fc.constantFrom(0, 1), (plain: PlainRecord, delta, timestampType) => {
        const body = bodyOf(theirRecord({ ...plain, ...delta }).buffer);
        const own = { ...context, timestampType };
        expect(decodeRecord({ buffer: body, offset: 0 }, own)).toEqual(theirDecoder(new TheirSource(body), own));
      }),
      { numRuns: 200 },
    );
  });

  it('does not become another object by a header called __proto__', () => {
    const plain = { key: 'k', value: 'v', headers: Object.fromEntries([['__proto__', 'x']]), offsetDelta: 0 };
    const read = decodeRecord({ buffer: bodyOf(theirRecord(plain).buffer), offset: 0 }, context);
    expect(Object.getPrototypeOf(read['headers'])).toBe(Object.prototype);
    expect(Object.keys(read['headers'] as object)).toEqual(['__proto__']);
  });
});

/** Without the length in front, which kafkajs reads before it calls the decoder. */
function bodyOf(encoded: Buffer): Buffer {
  let at = 0;
  while ((encoded[at] ?? 0) >= 0x80) at += 1;
  return encoded.subarray(at + 1);
}
