/** How a lease ended, as its token is answered when it comes again. */
export type LeaseEnd = 'accepted' | 'released' | 'dead' | 'rejected' | 'expired';

const ENDS = [undefined, 'accepted', 'released', 'dead', 'rejected', 'expired'] as const;
const CODES: Record<LeaseEnd, number> = { accepted: 1, released: 2, dead: 3, rejected: 4, expired: 5 };

const FIRST_SIZE = 1024;
const MAX_SIZE = 65_536;

/**
 * How the last 65,536 leases of a queue ended, one byte for each, so that a settlement that comes twice, or too late,
 * gets an answer of its own.
 */
export class EndedLeases {
  #ends = new Uint8Array(FIRST_SIZE);
  #last = 0;

  /** A lease was granted; numbers rise by one. */
  granted(number: number): void {
    if (number > this.#ends.length && this.#ends.length < MAX_SIZE) this.#grow();
    this.#ends[number & (this.#ends.length - 1)] = 0;
    this.#last = number;
  }

  ended(number: number, end: LeaseEnd): void {
    if (this.#isKept(number)) this.#ends[number & (this.#ends.length - 1)] = CODES[end];
  }

  /** How a lease ended; nothing where it has not, or was granted too long ago. */
  endOf(number: number): LeaseEnd | undefined {
    return this.#isKept(number) ? ENDS[this.#ends[number & (this.#ends.length - 1)]!] : undefined;
  }

  #isKept(number: number): boolean {
    return number <= this.#last && number > this.#last - this.#ends.length;
  }

  #grow(): void {
    const larger = new Uint8Array(this.#ends.length * 2);
    for (let number = Math.max(0, this.#last - this.#ends.length + 1); number <= this.#last; number += 1) {
      larger[number & (larger.length - 1)] = this.#ends[number & (this.#ends.length - 1)]!;
    }
    this.#ends = larger;
  }
}
