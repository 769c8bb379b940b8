import { HeddleError } from '@heddle/event';

/** How long an id that a registry does not have is not asked for again, and one that could not be looked up. */
const UNKNOWN_MS = 5_000;
const RETRY_MS = 1_000;
/** Ids come in from outside with each record: what is remembered of bad ones is bounded. */
const MAX_REFUSED = 10_000;

/**
 * What is looked up by the id of a schema, and kept for as long as the process lives: what an id means never changes.
 * Callers at the same time share one look-up.
 */
export class LookUps<T> {
  readonly #known = new Map<number, T>();
  readonly #looking = new Map<number, Promise<T>>();
  readonly #refused = new Map<number, { error: unknown; until: number }>();

  constructor(private readonly lookUp: (id: number) => Promise<T>) {}

  known(id: number): T | undefined {
    return this.#known.get(id);
  }

  /** @throws what the look-up throws; the same again for a while, or for ever where the schema itself is wrong */
  async get(id: number): Promise<T> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const refused = this.#refused.get(id);
    if (refused !== undefined && Date.now() < refused.until) throw refused.error;
    let looking = this.#looking.get(id);
    if (looking === undefined) {
      looking = this.#look(id).finally(() => this.#looking.delete(id));
      this.#looking.set(id, looking);
    }
    return looking;
  }

  async #look(id: number): Promise<T> {
    try {
      const found = await this.lookUp(id);
      this.#known.set(id, found);
      this.#refused.delete(id);
      return found;
    } catch (error) {
      const [oldest] = this.#refused.keys();
      if (this.#refused.size >= MAX_REFUSED && oldest !== undefined) this.#refused.delete(oldest);
      this.#refused.set(id, { error, until: Date.now() + refusedForMs(error) });
      throw error;
    }
  }
}

function refusedForMs(error: unknown): number {
  const code = error instanceof HeddleError ? error.code : 'internal';
  if (code === 'schema-invalid') return Number.POSITIVE_INFINITY;
  return code === 'schema-unknown' ? UNKNOWN_MS : RETRY_MS;
}
