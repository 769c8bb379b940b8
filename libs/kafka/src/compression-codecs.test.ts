import { compressSync } from 'snappy';
import { describe, expect, it } from 'vitest';
import { unpack } from './compression-codecs.js';
import { kafkajs } from './kafkajs.js';

const { CompressionCodecs, CompressionTypes } = kafkajs;
const SNAPPY = 2;
const data = Buffer.from('a sales order was created; '.repeat(5000));

describe('compressed records', () => {
  it.each([
    ['gzip', CompressionTypes.GZIP],
    ['snappy', CompressionTypes.Snappy],
    ['lz4', CompressionTypes.LZ4],
    ['zstd', CompressionTypes.ZSTD],
  ])('in %s come back as they were', async (_, type) => {
    const codec = (CompressionCodecs as Record<number, () => unknown>)[type]?.() as {
      compress(encoder: { buffer: Buffer }): Promise<Buffer>;
      decompress(bytes: Buffer): Promise<Buffer>;
    };
    const small = await codec.compress({ buffer: data });
    expect(small.length).toBeLessThan(data.length / 10);
    expect((await codec.decompress(small)).equals(data)).toBe(true);
  });

  it('in the Java client’s framing of snappy are read, in several blocks', async () => {
    const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
    const blocks = [data.subarray(0, 32_768), data.subarray(32_768)].flatMap((part) => {
      const block = compressSync(part);
      const length = Buffer.alloc(4);
      length.writeInt32BE(block.length);
      return [length, block];
    });
    expect((await unpack(SNAPPY, Buffer.concat([magic, ...blocks]))).equals(data)).toBe(true);
  });
});
