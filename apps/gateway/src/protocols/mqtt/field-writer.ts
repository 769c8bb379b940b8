const CONTINUES = 0x80;
/** What the length in front of a text can say. */
export const MAX_FIELD_BYTES = 65_535;

/** Puts fields behind one another as MQTT has them (MQTT 5 §1.5). */
export class FieldWriter {
  #bytes = Buffer.allocUnsafe(512);
  #length = 0;

  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  uint16(value: number): void {
    this.#room(2);
    this.#length = this.#bytes.writeUInt16BE(value, this.#length);
  }

  uint32(value: number): void {
    this.#room(4);
    this.#length = this.#bytes.writeUInt32BE(value, this.#length);
  }

  varint(value: number): void {
    for (let rest = value; ; rest = Math.floor(rest / CONTINUES)) {
      if (rest < CONTINUES) {
        this.byte(rest);
        return;
      }
      this.byte((rest % CONTINUES) + CONTINUES);
    }
  }

  /** Of at most {@link MAX_FIELD_BYTES}. */
  text(value: string): void {
    // No character of UTF-16 has more than three bytes.
    this.#room(2 + value.length * 3);
    const length = this.#bytes.write(value, this.#length + 2);
    this.#bytes.writeUInt16BE(length, this.#length);
    this.#length += 2 + length;
  }

  /** Of at most {@link MAX_FIELD_BYTES}. */
  binary(value: Uint8Array): void {
    this.uint16(value.length);
    this.bytes(value);
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  #room(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.written);
    this.#bytes = grown;
  }
}
