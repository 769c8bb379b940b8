import { hash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { HistoryLine } from '../history.js';

/** What one actor writes down; each has a file of its own. */
export class HistoryLog {
  #stream;

  constructor(readonly file: string) {
    this.#stream = createWriteStream(file, { flags: 'a' });
  }

  write(line: HistoryLine): void {
    this.#stream.write(`${JSON.stringify(line)}\n`);
  }

  async close(): Promise<void> {
    this.#stream.end();
    await once(this.#stream, 'finish');
  }
}

export function digestOf(bytes: string | Uint8Array): string {
  return hash('sha1', bytes, 'base64url');
}

/** The same for all that mean the same: in whatever order the fields stand. */
export function contentOf(data: unknown): string {
  return digestOf(JSON.stringify(sorted(data)));
}

function sorted(data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return data;
  if (Array.isArray(data)) return data.map(sorted);
  const entries = Object.entries(data).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([name, value]) => [name, sorted(value)]));
}
