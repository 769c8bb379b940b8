/**
 * How large compressed bytes say they are, read before anything is unpacked: neither library can be told a limit, and
 * both reserve what the bytes claim.
 */

/** The framing of the Java client's snappy streams: magic, two versions, then blocks with their length in front. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

/** The blocks of snappy bytes; raw ones are a single block. @throws RangeError for a length that leads nowhere */
export function snappyBlocks(bytes: Buffer): Buffer[] {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return [bytes];
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length;) {
    const length = bytes.readInt32BE(at);
    if (length <= 0 || length > bytes.length - at - 4) throw new RangeError('a block of it is cut off');
    blocks.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return blocks;
}

/** What a block of snappy unpacks to: its first bytes say so (a varint of 32 bits). */
export function snappyBytes(block: Buffer): number {
  let size = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = block.readUInt8(index);
    size += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return size;
  }
  throw new RangeError('its length is broken');
}

/** The header of an LZ4 frame: magic, flags, the largest block; then the content's size where a flag says so. */
const LZ4_MAGIC = 0x184d2204;
const LZ4_HEADER_BYTES = 7;
const LZ4_HAS_SIZE = 0x08;
const LZ4_HAS_DICTIONARY = 0x01;
const LZ4_HAS_BLOCK_CHECKSUM = 0x10;
const LZ4_IS_STORED = 0x80000000;
const LZ4_BLOCK_SIZES: readonly number[] = [4, 5, 6, 7].map((code) => 2 ** (8 + 2 * code));
/** The best that LZ4 can do. */
const LZ4_MOST_RATIO = 255;

/** The most that an LZ4 frame can unpack to, by its blocks. @throws RangeError for what is no whole frame */
export function lz4Bytes(frame: Buffer): number {
  if (frame.length < LZ4_HEADER_BYTES || frame.readUInt32LE(0) !== LZ4_MAGIC)
    throw new RangeError('it is no LZ4 frame');
  const flags = frame.readUInt8(4);
  const largest = LZ4_BLOCK_SIZES[((frame.readUInt8(5) >> 4) & 7) - 4];
  if (largest === undefined) throw new RangeError('it is no LZ4 frame');
  let at = LZ4_HEADER_BYTES + (flags & LZ4_HAS_SIZE ? 8 : 0) + (flags & LZ4_HAS_DICTIONARY ? 4 : 0);
  let most = 0;
  for (;;) {
    const head = frame.readUInt32LE(at);
    if (head === 0) return most;
    const size = head % LZ4_IS_STORED;
    most += head >= LZ4_IS_STORED ? size : Math.min(largest, size * LZ4_MOST_RATIO);
    at += 4 + size + (flags & LZ4_HAS_BLOCK_CHECKSUM ? 4 : 0);
  }
}
