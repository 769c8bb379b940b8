import { extname } from 'node:path';
import type { SQLInputValue } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { HeddleError } from '@heddle/event';
import type { Ask, Taken, Told } from './timeline-worker.js';

/** Where a partition stands in the index. */
export interface IndexedPlace {
  topic: string;
  partition: number;
  /** The first offset that is not in the index. */
  next: number;
  /** When the log took the last record that is; 0 when there is none. */
  at: number;
}

/** The file of the index is damaged: it is to be made anew. */
export class BrokenIndex extends Error {}

type Asked<T> = T extends { id: number } ? Omit<T, 'id'> : never;

/** The index's thread, as those see it who ask it. */
export class TimelineThread {
  readonly #worker: Worker;
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>();
  #count = 0;
  #isClosed = false;

  constructor() {
    // Started from the build and, by tests, from the sources.
    const file = new URL(`./timeline-worker${extname(fileURLToPath(import.meta.url))}`, import.meta.url);
    this.#worker = new Worker(file, { execArgv: ['--disable-warning=ExperimentalWarning'], name: 'timeline' });
    this.#worker.unref();
    this.#worker.on('message', (told: Told) => this.#settle(told));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('the thread of the index has ended')));
  }

  /** Whether it was closed, or has died. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Opens a file, or a new one; an empty name for a temporary one. Resolves with how far the index is. */
  open(file: string, isFresh: boolean): Promise<IndexedPlace[]> {
    return this.#ask({ ask: 'open', file, isFresh }) as Promise<IndexedPlace[]>;
  }

  take(taken: Taken): Promise<void> {
    return this.#ask({ ask: 'take', taken }) as Promise<void>;
  }

  read<Row>(sql: string, values: SQLInputValue[]): Promise<Row[]> {
    return this.#ask({ ask: 'read', sql, values }) as Promise<Row[]>;
  }

  /** Resolves with whether there may be more to forget. */
  prune(before: number, maxRows: number): Promise<boolean> {
    return this.#ask({ ask: 'prune', before, maxRows }) as Promise<boolean>;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.#ask({ ask: 'close' }).catch(() => undefined);
    this.#isClosed = true;
    await this.#worker.terminate();
  }

  #ask(asked: Asked<Ask>): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new HeddleError('stopping', 'The index is closed.'));
    this.#count += 1;
    const waiting = Promise.withResolvers<unknown>();
    this.#open.set(this.#count, waiting);
    // While somebody waits for an answer the process stays.
    this.#worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin, windows do
    this.#worker.postMessage({ ...asked, id: this.#count });
    return waiting.promise;
  }

  #settle(told: Told): void {
    const waiting = this.#open.get(told.id);
    this.#open.delete(told.id);
    if (this.#open.size === 0) this.#worker.unref();
    if ('error' in told) waiting?.reject(told.isBroken ? new BrokenIndex(told.error) : new Error(told.error));
    else waiting?.resolve(told.value);
  }

  #fail(error: unknown): void {
    this.#isClosed = true;
    for (const waiting of this.#open.values()) waiting.reject(error);
    this.#open.clear();
  }
}
