import { unreadable } from './amqp-value.js';

/** Says which protocol follows: 0 for AMQP, 2 for TLS within the connection, 3 for SASL. */
export interface ProtocolHeader {
  protocol: number;
  isVersion1: boolean;
}

export interface Frame {
  type: number;
  channel: number;
  /** What the frame says, and its payload; empty in one that says only that the connection is there. */
  body: Buffer;
}

const HEADER_BYTES = 8;
const NO_BYTES = Buffer.alloc(0);

/**
 * Cuts what comes over a connection into protocol headers and frames. Never more is kept than one frame of the size that
 * is allowed, and what has come with it.
 */
export class FrameStream {
  /** What has come of a frame that is not there as a whole. */
  #parts: Buffer[] = [];
  #length = 0;
  /** Before that much has come there is nothing to look at, and nothing is joined. */
  #needed = HEADER_BYTES;

  constructor(private readonly maxFrameBytes: number) {}

  add(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }

  /** The next eight bytes, as a protocol header; nothing when they have not come. */
  header(): ProtocolHeader | undefined {
    const bytes = this.#joined(HEADER_BYTES);
    if (bytes === undefined) return undefined;
    if (bytes.toString('latin1', 0, 4) !== 'AMQP') throw unreadable('it does not begin with AMQP');
    const header = {
      protocol: bytes[4]!,
      isVersion1: bytes[5] === 1 && bytes[6] === 0 && bytes[7] === 0,
    };
    this.#drop(HEADER_BYTES);
    return header;
  }

  /** The next frame; nothing when it has not come as a whole. @throws HeddleError `frame-invalid` */
  frame(): Frame | undefined {
    if (this.#length < this.#needed) return undefined;
    let bytes = this.#joined(HEADER_BYTES);
    if (bytes === undefined) return undefined;
    const size = bytes.readUInt32BE(0);
    const offset = bytes[4]! * 4;
    if (size < HEADER_BYTES) throw unreadable('a frame is shorter than its header');
    if (size > this.maxFrameBytes) throw unreadable(`a frame is larger than ${this.maxFrameBytes} bytes`);
    if (offset < HEADER_BYTES || offset > size) throw unreadable('the data of a frame is not within it');
    bytes = this.#joined(size);
    if (bytes === undefined) {
      this.#needed = size;
      return undefined;
    }
    const frame = { type: bytes[5]!, channel: bytes.readUInt16BE(6), body: bytes.subarray(offset, size) };
    this.#drop(size);
    return frame;
  }

  /** All there is, in one piece, when it is that much at least. */
  #joined(length: number): Buffer | undefined {
    if (this.#length < length) return undefined;
    if (this.#parts.length > 1) this.#parts = [Buffer.concat(this.#parts, this.#length)];
    return this.#parts[0] ?? NO_BYTES;
  }

  #drop(length: number): void {
    const [all = NO_BYTES] = this.#parts;
    this.#length -= length;
    this.#needed = HEADER_BYTES;
    this.#parts = this.#length === 0 ? [] : [all.subarray(length)];
  }
}
