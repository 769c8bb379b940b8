const HEAD_END = Buffer.from('\r\n\r\n');
const LENGTH_NAME = 'content-length: ';
const ID_NAME = 'webhook-id: ';
/** `POST /` stands before the number of the endpoint. */
const PATH_AT = 6;

/** A whole request to a sink. */
export interface SinkRequest {
  /** The number that the path begins with; 0 when it does not. */
  endpoint: number;
  /** Where the value of `webhook-id` begins; -1 without one. */
  idAt: number;
  /** What `idAt` points into; holds until the call returns. */
  head: Buffer;
  bodyBytes: number;
}

/**
 * Reads HTTP/1.1 requests with a content length off one connection. It looks at the path and the id only, and steps over
 * bodies: the processor time of a sink is taken from what is measured.
 */
export class RequestReader {
  #rest: Buffer | undefined;
  /** Bytes of the body still to come; -1 while the head is being read. */
  #bodyLeft = -1;
  #request: SinkRequest | undefined;

  constructor(private readonly onRequest: (request: SinkRequest) => void) {}

  feed(piece: Buffer): void {
    const bytes = this.#rest === undefined ? piece : Buffer.concat([this.#rest, piece]);
    this.#rest = undefined;
    let at = 0;
    while (at < bytes.length) {
      if (this.#bodyLeft < 0) {
        const end = bytes.indexOf(HEAD_END, at);
        if (end < 0) {
          this.#rest = bytes.subarray(at);
          return;
        }
        this.#request = requestOf(bytes.subarray(at, end + HEAD_END.length));
        this.#bodyLeft = this.#request.bodyBytes;
        at = end + HEAD_END.length;
      }
      const taken = Math.min(this.#bodyLeft, bytes.length - at);
      at += taken;
      this.#bodyLeft -= taken;
      if (this.#bodyLeft > 0) return;
      this.#bodyLeft = -1;
      if (this.#request !== undefined) this.onRequest(this.#request);
    }
  }
}

function requestOf(head: Buffer): SinkRequest {
  const text = head.toString('latin1');
  const lengthAt = text.indexOf(LENGTH_NAME);
  const idAt = text.indexOf(ID_NAME);
  return {
    endpoint: Number.parseInt(text.slice(PATH_AT, PATH_AT + 8), 10) || 0,
    idAt: idAt < 0 ? -1 : idAt + ID_NAME.length,
    head,
    bodyBytes: lengthAt < 0 ? 0 : Number.parseInt(text.slice(lengthAt + LENGTH_NAME.length), 10),
  };
}
