const HEAD_END = '\r\n\r\n';
const LENGTH_NAME = 'content-length: ';

/**
 * Reads HTTP/1.1 answers with a content length off one connection, and tells their status: no more than a load generator
 * needs, for whose processor time the measured process would have to wait.
 */
export class AnswerReader {
  #head = '';
  #status = 0;
  /** Bytes of the body still to come; -1 while the head is being read. */
  #bodyLeft = -1;
  #parts: Buffer[] = [];

  /**
   * @param onAnswer given the body only by a reader that keeps bodies; it holds until the call returns
   * @param keeps keeps bodies, which costs a copy of those that come in pieces
   */
  constructor(
    private readonly onAnswer: (status: number, body?: Buffer) => void,
    private readonly keeps = false,
  ) {}

  /** @param bytes how much of the buffer is new */
  feed(buffer: Buffer, bytes: number): void {
    let at = 0;
    while (at < bytes) {
      if (this.#bodyLeft < 0) {
        at = this.#readHead(buffer, at, bytes);
        if (this.#bodyLeft < 0) return;
      }
      const taken = Math.min(this.#bodyLeft, bytes - at);
      const piece = this.keeps ? buffer.subarray(at, at + taken) : undefined;
      at += taken;
      this.#bodyLeft -= taken;
      if (this.#bodyLeft > 0) {
        if (piece !== undefined) this.#parts.push(Buffer.from(piece));
        return;
      }
      this.#bodyLeft = -1;
      this.onAnswer(this.#status, piece === undefined ? undefined : this.#whole(piece));
    }
  }

  #whole(last: Buffer): Buffer {
    if (this.#parts.length === 0) return last;
    const parts = this.#parts;
    this.#parts = [];
    return Buffer.concat([...parts, last]);
  }

  /** Returns where the body begins, or the end when the head goes on in the next piece. */
  #readHead(buffer: Buffer, from: number, to: number): number {
    const before = this.#head.length;
    this.#head += buffer.toString('latin1', from, to);
    const end = this.#head.indexOf(HEAD_END);
    if (end < 0) return to;
    const head = this.#head.slice(0, end);
    this.#head = '';
    this.#status = Number(head.slice(9, 12));
    const lengthAt = head.toLowerCase().indexOf(LENGTH_NAME);
    if (lengthAt < 0 && this.#status !== 204) throw new Error(`An answer without content length: ${head}`);
    this.#bodyLeft = lengthAt < 0 ? 0 : Number.parseInt(head.slice(lengthAt + LENGTH_NAME.length), 10);
    return from + end + HEAD_END.length - before;
  }
}
