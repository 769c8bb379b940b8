import { promisify } from 'node:util';
import { unzip, zstdCompress, zstdDecompress } from 'node:zlib';
import type kafkajs from 'kafkajs';
import { compressFrame, decompressFrame } from 'lz4-napi';
import { compress, uncompress } from 'snappy';
import { lz4Bytes, snappyBlocks, snappyBytes } from './unpacked-size.js';

interface Encoder {
  buffer: Buffer;
}

/** What one batch may unpack to: a broker counts a batch as it is compressed, and 1 MB of zeros can be a thousand. */
export const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;

/** The last bits of a batch's attributes (KIP-98, KIP-110). */
const GZIP = 1;
const SNAPPY = 2;
const LZ4 = 3;
const ZSTD = 4;

const zstd = promisify(zstdCompress);
const unzstd = promisify(zstdDecompress);
const ungzip = promisify(unzip);

/** kafkajs knows gzip only; one compressed batch of a foreign producer would stop a consumer without these. */
export function registerCodecs({ CompressionCodecs, CompressionTypes }: typeof kafkajs): void {
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: (encoder: Encoder) => compress(encoder.buffer),
    decompress: (bytes: Buffer) => unpack(SNAPPY, bytes),
  });
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: (encoder: Encoder) => compressFrame(encoder.buffer),
    decompress: (bytes: Buffer) => unpack(LZ4, bytes),
  });
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: (encoder: Encoder) => zstd(encoder.buffer),
    decompress: (bytes: Buffer) => unpack(ZSTD, bytes),
  });
}

/**
 * The records of a compressed batch, whichever client has compressed them.
 *
 * @throws RangeError for more than {@link MAX_UNPACKED_BYTES}, and a compression that is not known; whatever a library
 * throws for bytes that are broken.
 */
export async function unpack(compression: number, bytes: Buffer): Promise<Buffer> {
  switch (compression) {
    case GZIP:
      return ungzip(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
    case SNAPPY:
      return unpackSnappy(bytes);
    case LZ4:
      checkSize(lz4Bytes(bytes));
      return decompressFrame(bytes);
    case ZSTD:
      return unzstd(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
    default:
      throw new RangeError(`the compression ${compression} is not known`);
  }
}

/** Raw snappy, or the framing that the Java client writes: a header, then blocks. */
async function unpackSnappy(bytes: Buffer): Promise<Buffer> {
  const blocks = snappyBlocks(bytes);
  let size = 0;
  for (const block of blocks) checkSize((size += snappyBytes(block)));
  const unpacked = await Promise.all(blocks.map((block) => uncompress(block, { asBuffer: true })));
  return unpacked.length === 1 ? (unpacked[0] as Buffer) : Buffer.concat(unpacked as Buffer[]);
}

function checkSize(bytes: number): void {
  if (bytes > MAX_UNPACKED_BYTES) throw new RangeError(`it would unpack to more than ${MAX_UNPACKED_BYTES} bytes`);
}
