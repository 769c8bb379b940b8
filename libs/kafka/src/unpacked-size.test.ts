import fc from 'fast-check';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';
import { describe, expect, it } from 'vitest';
import { lz4Bytes, snappyBlocks, snappyBytes } from './unpacked-size.js';

const contents = fc
  .tuple(fc.uint8Array({ maxLength: 500 }), fc.integer({ min: 1, max: 2000 }))
  .map(([bytes, times]) => {
    return Buffer.concat(Array.from({ length: times }, () => bytes));
  });

describe('what compressed bytes will unpack to', () => {
  it('is never less than it really is', () => {
    fc.assert(
      fc.property(contents, (content) => {
        expect(snappyBytes(compressSync(content))).toBe(content.length);
        expect(lz4Bytes(compressFrameSync(content))).toBeGreaterThanOrEqual(content.length);
      }),
      { numRuns: 50 },
    );
  });

  it('is a RangeError for bytes that are cut off or lie, and takes no time', () => {
    const frame = compressFrameSync(Buffer.alloc(1000, 'abc'));
    for (let length = 0; length < frame.length - 8; length += 1) {
      expect(() => lz4Bytes(frame.subarray(0, length))).toThrow(RangeError);
    }
    const xerial = Buffer.concat([Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]), Buffer.alloc(8)]);
    for (const length of [-4, 0, 100, 2 ** 31 - 1]) {
      const block = Buffer.alloc(4);
      block.writeInt32BE(length);
      expect(() => snappyBlocks(Buffer.concat([xerial, block]))).toThrow(RangeError);
    }
    expect(() => snappyBytes(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]))).toThrow(RangeError);
  });
});
