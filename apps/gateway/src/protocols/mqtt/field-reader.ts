import { isUtf8 } from 'node:buffer';
import { HeddleError } from '@heddle/event';

const CONTINUES = 0x80;
/** A variable byte integer has four bytes at most (MQTT 5 §1.5.5). */
const MAX_VARINT = 4;

/** A packet that breaks the rules of its form. */
export function malformed(why: string): HeddleError {
  return new HeddleError('frame-invalid', `The packet cannot be read: ${why}.`);
}

/** Takes the fields of one packet off its bytes, each held to the rules of its data type (MQTT 5 §1.5). */
export class FieldReader {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  /** Bytes that are not taken yet. */
  get left(): number {
    return this.bytes.length - this.#at;
  }

  byte(): number {
    this.#need(1);
    return this.bytes[this.#at++]!;
  }

  uint16(): number {
    this.#need(2);
    const value = this.bytes.readUInt16BE(this.#at);
    this.#at += 2;
    return value;
  }

  uint32(): number {
    this.#need(4);
    const value = this.bytes.readUInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  /** In as few bytes as it needs (MQTT-1.5.5-1). */
  varint(): number {
    let value = 0;
    for (let count = 0; count < MAX_VARINT; count += 1) {
      const byte = this.byte();
      value += (byte & ~CONTINUES) * CONTINUES ** count;
      if ((byte & CONTINUES) !== 0) continue;
      if (byte === 0 && count > 0) throw malformed('a length has more bytes than it needs');
      return value;
    }
    throw malformed('a length has more than four bytes');
  }

  /** Bytes of the packet itself, with their length in front of them. */
  binary(): Buffer {
    return this.take(this.uint16());
  }

  /** Text of well-formed UTF-8, with no U+0000 (MQTT-1.5.4-1, MQTT-1.5.4-2); what begins it stays (MQTT-1.5.4-3). */
  text(): string {
    const bytes = this.binary();
    if (!isUtf8(bytes)) throw malformed('a text is not UTF-8');
    const text = bytes.toString('utf8');
    if (text.includes('\0')) throw malformed('a text has a character of no value');
    return text;
  }

  /** So many bytes. */
  take(length: number): Buffer {
    this.#need(length);
    const taken = this.bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }

  rest(): Buffer {
    return this.take(this.left);
  }

  /** Nothing stands behind what was read. */
  end(): void {
    if (this.left > 0) throw malformed(`${this.left} bytes too many`);
  }

  #need(length: number): void {
    if (this.left < length) throw malformed('it is shorter than it says');
  }
}
