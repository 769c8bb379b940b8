/** One server-sent event: its data, and the last id that the stream has named. */
export interface SseMessage {
  data: string;
  id: string;
}

/** Characters of one event at most: whoever sends more is not the gateway. */
const MAX_CHARS = 32 * 1024 * 1024;
const LINE_END = /\r\n|\n|\r/g;

/** Reads an event stream (WHATWG HTML §9.2.6) out of pieces that end anywhere. */
export class SseReader {
  /** How long the server asks clients to wait before they come again, in milliseconds; undefined until it does. */
  retryMs: number | undefined;
  #rest = '';
  #data: string[] = [];
  #id = '';

  /** The events that are complete with this piece. @throws RangeError for one that is too long */
  push(piece: string): SseMessage[] {
    this.#rest += piece;
    const messages: SseMessage[] = [];
    let start = 0;
    for (const { 0: end, index } of this.#rest.matchAll(LINE_END)) {
      // Maybe half of an end: the other half comes with the next piece.
      if (end === '\r' && index + 1 === this.#rest.length) break;
      if (index === start) this.#dispatch(messages);
      else this.#field(this.#rest.slice(start, index));
      start = index + end.length;
    }
    this.#rest = this.#rest.slice(start);
    if (this.#rest.length > MAX_CHARS) throw new RangeError('An event of the stream is too long.');
    return messages;
  }

  #dispatch(messages: SseMessage[]): void {
    if (this.#data.length === 0) return;
    messages.push({ data: this.#data.join('\n'), id: this.#id });
    this.#data = [];
  }

  #field(line: string): void {
    const colon = line.indexOf(':');
    // A comment, such as the heartbeat.
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'data') this.#data.push(value);
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
  }
}
