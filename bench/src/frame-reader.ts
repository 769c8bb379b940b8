const TEXT = 1;
const CLOSE = 8;
const PING = 9;

export interface FrameHandler {
  /** A whole text message; `payload` is given only by a reader that keeps payloads, and holds until the call returns. */
  onText(payload?: Buffer): void;
  onPing?(): void;
  onClose?(): void;
}

/**
 * Counts the frames of a server on one WebSocket (RFC 6455 §5.2: unmasked, here also unfragmented). It steps over the
 * payloads unless it is to keep them: a sink of a million messages a second has no time to look at each.
 */
export class FrameReader {
  #header = Buffer.alloc(10);
  #headerBytes = 0;
  #opcode = 0;
  #payloadLeft = -1;
  #parts: Buffer[] = [];

  constructor(
    private readonly handler: FrameHandler,
    private readonly keeps: boolean,
  ) {}

  feed(buffer: Buffer, bytes: number): void {
    let at = 0;
    for (;;) {
      if (this.#payloadLeft < 0) {
        at = this.#readHeader(buffer, at, bytes);
        if (this.#payloadLeft < 0) return;
      }
      const taken = Math.min(this.#payloadLeft, bytes - at);
      if (this.#payloadLeft > taken) {
        if (this.keeps) this.#parts.push(Buffer.from(buffer.subarray(at, at + taken)));
        this.#payloadLeft -= taken;
        return;
      }
      const last = this.keeps ? buffer.subarray(at, at + taken) : undefined;
      at += taken;
      this.#payloadLeft = -1;
      this.#tell(last);
    }
  }

  #readHeader(buffer: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to) {
      this.#header[this.#headerBytes] = buffer[at] ?? 0;
      this.#headerBytes += 1;
      at += 1;
      if (this.#headerBytes < 2) continue;
      const short = (this.#header[1] ?? 0) & 0x7f;
      const whole = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (this.#headerBytes < whole) continue;
      this.#opcode = (this.#header[0] ?? 0) & 0x0f;
      this.#payloadLeft =
        short < 126 ? short : short === 126 ? this.#header.readUInt16BE(2) : Number(this.#header.readBigUInt64BE(2));
      this.#headerBytes = 0;
      break;
    }
    return at;
  }

  #tell(last: Buffer | undefined): void {
    let payload = last;
    if (last !== undefined && this.#parts.length > 0) {
      payload = Buffer.concat([...this.#parts, last]);
      this.#parts = [];
    }
    if (this.#opcode === TEXT) this.handler.onText(payload);
    else if (this.#opcode === PING) this.handler.onPing?.();
    else if (this.#opcode === CLOSE) this.handler.onClose?.();
  }
}
