/** Memory of a writer that has little to write, of which there are many, and of one that has much. */
const LEAST_BYTES = 512;
const CHUNK_BYTES = 64 * 1024;
const MOST_KEPT_BYTES = 4 * 1024 * 1024;
const NULL = 0x40;
const LIST32 = 0xd0;
const MAP32 = 0xd1;

/** A list or map that is being written: where its size belongs. */
export interface OpenCompound {
  sizeAt: number;
}

/** Writes AMQP 1.0 values, one after another, into memory that is handed out in pieces. */
export class AmqpWriter {
  #bytes = Buffer.allocUnsafeSlow(LEAST_BYTES);
  #start = 0;
  #at: number;

  /** @param headroom bytes in front of each piece that are left to whoever takes it */
  constructor(private readonly headroom = 0) {
    this.#at = headroom;
  }

  /** Bytes written and not taken. */
  get length(): number {
    return this.#at - this.#start - this.headroom;
  }

  /** What was written since the last time, with the headroom in front; the next piece begins behind it. */
  take(): Buffer {
    const piece = this.#bytes.subarray(this.#start, this.#at);
    this.#start = this.#at;
    this.#at += this.headroom;
    if (this.#bytes.length - this.#at < LEAST_BYTES / 4) {
      this.#restart(Math.min(CHUNK_BYTES, Math.max(LEAST_BYTES, piece.length * 4)));
    }
    return piece;
  }

  /** What was written, in memory of its own; the writer begins anew in the same. */
  copy(): Buffer {
    const piece = Buffer.from(this.#bytes.subarray(this.#start, this.#at));
    this.#at = this.#start + this.headroom;
    // What one large value took is not kept for ever.
    if (this.#bytes.length > MOST_KEPT_BYTES) this.#restart(CHUNK_BYTES);
    return piece;
  }

  /** Begins a frame (part 2, section 2.3.1); ended by {@link endFrame} with what this returns. */
  beginFrame(type: number, channel: number): number {
    this.#reserve(8);
    const at = this.#at - this.#start;
    this.#bytes[this.#at + 4] = 2;
    this.#bytes[this.#at + 5] = type;
    this.#bytes.writeUInt16BE(channel, this.#at + 6);
    this.#at += 8;
    return at;
  }

  endFrame(frame: number): void {
    const at = this.#start + frame;
    this.#bytes.writeUInt32BE(this.#at - at, at);
  }

  /** What follows stands for what this code says. */
  described(code: number): this {
    this.#reserve(3);
    this.#bytes[this.#at] = 0;
    this.#bytes[this.#at + 1] = 0x53;
    this.#bytes[this.#at + 2] = code;
    this.#at += 3;
    return this;
  }

  beginList(): OpenCompound {
    return this.#beginCompound(LIST32);
  }

  beginMap(): OpenCompound {
    return this.#beginCompound(MAP32);
  }

  /** @param count its values; of a map, keys and values together */
  end({ sizeAt }: OpenCompound, count: number): void {
    const at = this.#start + sizeAt;
    this.#bytes.writeUInt32BE(this.#at - at - 4, at);
    this.#bytes.writeUInt32BE(count, at + 4);
  }

  null(): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = NULL;
  }

  boolean(value: boolean | undefined): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value === undefined ? NULL : value ? 0x41 : 0x42;
  }

  ubyte(value: number | undefined): void {
    if (value === undefined) return this.null();
    this.#reserve(2);
    this.#bytes[this.#at] = 0x50;
    this.#bytes[this.#at + 1] = value;
    this.#at += 2;
  }

  ushort(value: number | undefined): void {
    if (value === undefined) return this.null();
    this.#reserve(3);
    this.#bytes[this.#at] = 0x60;
    this.#bytes.writeUInt16BE(value, this.#at + 1);
    this.#at += 3;
  }

  uint(value: number | undefined): void {
    if (value === undefined) return this.null();
    this.#reserve(5);
    if (value === 0) this.#bytes[this.#at++] = 0x43;
    else if (value < 256) {
      this.#bytes[this.#at] = 0x52;
      this.#bytes[this.#at + 1] = value;
      this.#at += 2;
    } else {
      this.#bytes[this.#at] = 0x70;
      this.#bytes.writeUInt32BE(value, this.#at + 1);
      this.#at += 5;
    }
  }

  ulong(value: number | undefined): void {
    if (value === undefined) return this.null();
    this.#reserve(9);
    this.#bytes[this.#at] = 0x80;
    this.#bytes.writeBigUInt64BE(BigInt(value), this.#at + 1);
    this.#at += 9;
  }

  int(value: number): void {
    this.#reserve(5);
    this.#bytes[this.#at] = 0x71;
    this.#bytes.writeInt32BE(value, this.#at + 1);
    this.#at += 5;
  }

  long(value: number): void {
    this.#reserve(9);
    this.#bytes[this.#at] = 0x81;
    this.#bytes.writeBigInt64BE(BigInt(value), this.#at + 1);
    this.#at += 9;
  }

  double(value: number): void {
    this.#reserve(9);
    this.#bytes[this.#at] = 0x82;
    this.#bytes.writeDoubleBE(value, this.#at + 1);
    this.#at += 9;
  }

  /** A whole number is an int where it is one, else a long; any other a double. */
  scalar(value: string | number | boolean | null): void {
    if (value === null) this.null();
    else if (typeof value === 'string') this.string(value);
    else if (typeof value === 'boolean') this.boolean(value);
    else if (!Number.isSafeInteger(value)) this.double(value);
    else if (value >= -0x8000_0000 && value <= 0x7fff_ffff) this.int(value);
    else this.long(value);
  }

  /** @param ms since the epoch */
  timestamp(ms: number | undefined): void {
    if (ms === undefined) return this.null();
    this.#reserve(9);
    this.#bytes[this.#at] = 0x83;
    this.#bytes.writeBigInt64BE(BigInt(Math.trunc(ms)), this.#at + 1);
    this.#at += 9;
  }

  string(value: string | undefined): void {
    this.#text(value, 0xa1);
  }

  symbol(value: string | undefined): void {
    this.#text(value, 0xa3);
  }

  /** One symbol, or none; more are an array of them. */
  symbols(values: readonly string[]): void {
    if (values.length === 0) return this.null();
    if (values.length === 1) return this.symbol(values[0]);
    this.#reserve(9);
    this.#bytes[this.#at] = 0xf0;
    const sizeAt = this.#at + 1;
    this.#bytes.writeUInt32BE(values.length, this.#at + 5);
    this.#at += 9;
    this.#reserve(1);
    this.#bytes[this.#at++] = 0xb3;
    const offset = sizeAt - this.#start;
    for (const value of values) {
      const length = Buffer.byteLength(value);
      this.#reserve(4 + length);
      this.#bytes.writeUInt32BE(length, this.#at);
      this.#bytes.write(value, this.#at + 4, 'ascii');
      this.#at += 4 + length;
    }
    const at = this.#start + offset;
    this.#bytes.writeUInt32BE(this.#at - at - 4, at);
  }

  binary(value: Uint8Array | undefined): void {
    if (value === undefined) return this.null();
    this.#variable(value.length, 0xa0);
    this.raw(value);
  }

  /** Bytes that are values already. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #beginCompound(code: number): OpenCompound {
    this.#reserve(9);
    this.#bytes[this.#at] = code;
    const sizeAt = this.#at + 1 - this.#start;
    this.#at += 9;
    return { sizeAt };
  }

  #text(value: string | undefined, code: number): void {
    if (value === undefined) return this.null();
    const length = Buffer.byteLength(value);
    this.#variable(length, code);
    this.#reserve(length);
    this.#bytes.write(value, this.#at, 'utf8');
    this.#at += length;
  }

  /** The long form of each code stands 16 above the short one. */
  #variable(length: number, code: number): void {
    this.#reserve(5);
    if (length < 256) {
      this.#bytes[this.#at] = code;
      this.#bytes[this.#at + 1] = length;
      this.#at += 2;
    } else {
      this.#bytes[this.#at] = code + 0x10;
      this.#bytes.writeUInt32BE(length, this.#at + 1);
      this.#at += 5;
    }
  }

  #reserve(length: number): void {
    if (this.#at + length <= this.#bytes.length) return;
    this.#restart((this.#at - this.#start + length) * 2);
  }

  /** Goes on in new memory, for pieces that were taken keep the old. */
  #restart(size: number): void {
    const written = this.#at - this.#start;
    const bytes = Buffer.allocUnsafeSlow(Math.max(size, LEAST_BYTES));
    this.#bytes.copy(bytes, 0, this.#start, this.#at);
    this.#bytes = bytes;
    this.#start = 0;
    this.#at = written;
  }
}
