import { setTimeout as delay } from 'node:timers/promises';
import { type Append, type EventLog, HeddleError, formatSequence } from '@heddle/event';
import type { EncodedRaise, EventIdentity, Outbox, Raise } from '@heddle/outbox';
import type { MeshStore } from './mesh-store.js';

/** A transaction of a test: remembers what was raised and entered until it ends. */
export class MemoryTransaction {
  readonly raised: EncodedRaise[] = [];
  readonly entered: string[] = [];
}

const RETRY_MS = 5;

/** Outbox and inbox in memory: what a transaction raised is appended after its commit, in the order of commits. */
export class MemoryStore implements MeshStore<MemoryTransaction> {
  readonly #handled = new Set<string>();
  readonly #entering = new Map<string, Promise<void>>();
  readonly #ends = new WeakMap<MemoryTransaction, Promise<void>>();
  readonly #sequences = new Map<string, number>();
  #appending = Promise.resolve();
  #unsent = 0;

  constructor(
    private readonly outbox: Pick<Outbox, 'encode'>,
    private readonly eventLog: Pick<EventLog, 'append'>,
  ) {}

  async transaction<R>(work: (tx: MemoryTransaction) => Promise<R>): Promise<R> {
    const tx = new MemoryTransaction();
    const end = Promise.withResolvers<void>();
    this.#ends.set(tx, end.promise);
    try {
      const result = await work(tx);
      for (const name of tx.entered) this.#handled.add(name);
      this.#commit(tx.raised);
      return result;
    } finally {
      for (const name of tx.entered) this.#entering.delete(name);
      end.resolve();
    }
  }

  async raise(tx: unknown, raises: readonly Raise[]): Promise<void> {
    const encoded = await this.outbox.encode(raises);
    ours(tx).raised.push(...encoded);
  }

  async enter(tx: unknown, { source, id }: EventIdentity): Promise<boolean> {
    const own = ours(tx);
    const name = `${source}\n${id}`;
    for (let other = this.#entering.get(name); other !== undefined; other = this.#entering.get(name)) {
      if (own.entered.includes(name)) return false;
      await other;
    }
    if (this.#handled.has(name)) return false;
    own.entered.push(name);
    this.#entering.set(name, this.#ends.get(own) ?? Promise.resolve());
    return true;
  }

  /** Its transactions tell of their ends by themselves. */
  committed(): void {}
  expectCommit(): void {}

  hasUnsent(): Promise<boolean> {
    return Promise.resolve(this.#unsent > 0);
  }

  start(): void {}

  async stop(): Promise<void> {
    await this.#appending;
  }

  /** Numbers are given at the commit, so that they have no gaps. */
  #commit(raised: readonly EncodedRaise[]): void {
    for (const { topic, key, attributes, value } of raised) {
      const sequence = (this.#sequences.get(`${topic}/${key}`) ?? 0) + 1;
      this.#sequences.set(`${topic}/${key}`, sequence);
      const event = { attributes: { ...attributes, sequence: formatSequence(sequence) }, value };
      this.#unsent += 1;
      this.#appending = this.#appending.then(() => this.#append({ topic, key, event }));
    }
  }

  /** Until the log has it, as a relay would. */
  async #append(append: Append): Promise<void> {
    for (;;) {
      const [outcome] = await this.eventLog.append([append]);
      if (outcome !== undefined && 'position' in outcome) break;
      await delay(RETRY_MS);
    }
    this.#unsent -= 1;
  }
}

function ours(tx: unknown): MemoryTransaction {
  if (tx instanceof MemoryTransaction) return tx;
  throw new HeddleError(
    'setting-invalid',
    'This mesh is in memory, and so are its transactions: get them from mesh.transaction or inbox.once, or open it with the database of the test.',
  );
}
