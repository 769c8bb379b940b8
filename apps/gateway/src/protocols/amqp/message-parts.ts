const NOTHING = Buffer.alloc(0);
const LEAST_BYTES = 4096;

/** A message that comes in several frames, put together as they come: it takes memory by its bytes, not by its frames. */
export class MessageParts {
  #bytes = NOTHING;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(part: Uint8Array): void {
    const length = this.#length + part.length;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, this.#bytes.length * 2, LEAST_BYTES));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#bytes.set(part, this.#length);
    this.#length = length;
  }

  /** The whole of it; what comes next is another message. */
  take(): Buffer {
    const whole = this.#bytes.subarray(0, this.#length);
    this.#bytes = NOTHING;
    this.#length = 0;
    return whole;
  }
}
