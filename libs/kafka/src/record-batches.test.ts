import { gzipSync, zstdCompressSync } from 'node:zlib';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';
import { describe, expect, it } from 'vitest';
import { decodeBatches, decodeRecords, withoutAborted } from './record-batches.js';

const MARKER = { isControl: true, inTransaction: true };

interface BatchWish {
  compression?: number;
  pack?: (bytes: Buffer) => Buffer;
  magic?: number;
  isControl?: boolean;
  inTransaction?: boolean;
  producerId?: number;
  keys?: (Buffer | null)[];
}

/** A batch of records from an offset on, as a broker keeps it (KIP-98). */
function batch(first: number, count: number, wish: BatchWish = {}): Buffer {
  const { compression = 0, pack = (bytes) => bytes, magic = 2, producerId = -1, keys = [] } = wish;
  const records = Array.from({ length: count }, (_, index) => record(index, keys[index] ?? Buffer.from('k')));
  const body = pack(Buffer.concat(records));
  const head = Buffer.alloc(61);
  head.writeBigInt64BE(BigInt(first), 0);
  head.writeInt32BE(61 - 12 + body.length, 8);
  head.writeInt8(magic, 16);
  head.writeInt16BE(compression | (wish.inTransaction === true ? 0x10 : 0) | (wish.isControl === true ? 0x20 : 0), 21);
  head.writeInt32BE(count - 1, 23);
  head.writeBigInt64BE(1000n, 27);
  head.writeBigInt64BE(1000n, 35);
  head.writeBigInt64BE(BigInt(producerId), 43);
  head.writeInt32BE(count, 57);
  return Buffer.concat([head, body]);
}

function record(index: number, key: Buffer | null): Buffer {
  const value = Buffer.from(`value ${index} `.repeat(20));
  const zigzag = (length: number): number[] =>
    length * 2 < 0x80 ? [length * 2] : [(length * 2) | 0x80, (length * 2) >> 7];
  const body = Buffer.from([
    0,
    0,
    ...zigzag(index),
    ...(key === null ? [1] : [...zigzag(key.length), ...key]),
    ...zigzag(value.length),
    ...value,
    0,
  ]);
  return Buffer.concat([Buffer.from(zigzag(body.length).map((byte) => byte & 0xff)), body]);
}

const partition = (records: Buffer) => ({
  topic: 't',
  partition: 0,
  errorCode: 0,
  highWatermark: 100,
  lastStableOffset: 100,
  aborted: [],
  records,
});

describe('the records of a partition', () => {
  it.each([
    ['nothing', 0, (bytes: Buffer) => bytes],
    ['gzip', 1, (bytes: Buffer) => gzipSync(bytes)],
    ['snappy', 2, (bytes: Buffer) => compressSync(bytes)],
    ['lz4', 3, (bytes: Buffer) => compressFrameSync(bytes)],
    ['zstd', 4, (bytes: Buffer) => zstdCompressSync(bytes)],
  ])('are read from batches packed with %s', async (_, compression, pack) => {
    const { records, next } = await decodeBatches(batch(10, 5, { compression, pack }));
    expect(records.map(({ offset }) => offset)).toEqual(['10', '11', '12', '13', '14']);
    expect(records[3]).toMatchObject({ value: Buffer.from('value 3 '.repeat(20)), timestamp: '1000' });
    expect(next).toBe(15);
  });

  it('go on behind a batch that nobody can read, which is a record of its own at its last offset', async () => {
    const pack = () => Buffer.from('this is not what it says');
    const bomb = () => zstdCompressSync(Buffer.alloc(70 * 1024 * 1024));
    const bytes = Buffer.concat([
      batch(0, 2),
      batch(2, 3, { compression: 1, pack }),
      batch(5, 1, { compression: 2, pack }),
      batch(6, 1, { compression: 3, pack }),
      batch(7, 1, { compression: 4, pack }),
      batch(8, 1, { compression: 6, pack }),
      batch(9, 1, { pack }),
      batch(10, 1, { compression: 4, pack: bomb }),
      batch(11, 1, { magic: 1 }),
      batch(12, 1),
    ]);
    const { messages, next } = await decodeRecords(partition(bytes), 0);
    expect(messages.map(({ offset }) => Number(offset))).toEqual([0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const unreadable = messages.map((message) => (message as { unreadable?: string }).unreadable);
    expect(unreadable.filter((why) => why === undefined)).toHaveLength(3);
    expect(unreadable[2]).toMatch(/offsets 2 to 4 /);
    expect(unreadable[6]).toMatch(/compression 6/);
    expect(unreadable[9]).toMatch(/before Kafka 0\.11/);
    expect(messages[2]).toMatchObject({ key: null, headers: {}, value: batch(2, 3, { compression: 1, pack }) });
    expect(next).toBe(13);
  });

  it('are those from the offset that was asked for on, and of whole batches only', async () => {
    const bytes = Buffer.concat([batch(0, 5), batch(5, 5)]);
    const { messages, next } = await decodeRecords(partition(bytes.subarray(0, -1)), 3);
    expect(messages.map(({ offset }) => Number(offset))).toEqual([3, 4]);
    expect(next).toBe(5);
  });

  it('come without those of aborted transactions, whatever their keys, and however many began before', async () => {
    const zeros = Buffer.alloc(4);
    const bytes = Buffer.concat([
      // A key of four zero bytes, as Java's serialiser writes the number 0, is no marker.
      batch(10, 2, { inTransaction: true, producerId: 7, keys: [zeros, zeros] }),
      batch(12, 1, { inTransaction: true, producerId: 8 }),
      batch(13, 1, { inTransaction: true, producerId: 9 }),
      batch(14, 1),
      batch(15, 1, { ...MARKER, producerId: 7, keys: [zeros] }),
      batch(16, 1, { inTransaction: true, producerId: 7 }),
      batch(17, 1, { inTransaction: true, producerId: 8 }),
      batch(18, 1, { ...MARKER, producerId: 8, keys: [zeros] }),
    ]);
    const aborted = [
      { producerId: '7', firstOffset: '3' },
      { producerId: '8', firstOffset: '4' },
    ];
    const { messages, next } = await decodeRecords({ ...partition(bytes), aborted }, 10);
    expect(messages.map(({ offset }) => Number(offset))).toEqual([13, 14, 16]);
    expect(next).toBe(19);
    const { records } = await decodeBatches(bytes);
    expect(withoutAborted(records, [])).toBe(records);
  });
});
