import { Backoff } from './backoff.js';
import { Refusal } from './refusal.js';
import { type Tokens, endOf } from './tokens.js';

/** A token is replaced once so much of what is left of it is over. */
const USED_SHARE = 0.8;
const SOONEST_MS = 1000;
/** Timers of more milliseconds than that fire at once. */
const LATEST_MS = 2 ** 31 - 1;

export interface RenewalWords {
  /** Shows another token on the connection. */
  show(token: string, id: string): void;
  /** There is none, or it was not accepted; it is tried again. */
  failed(problem: Refusal): void;
}

/** Brings a connection another token before the one that it has ends. */
export class TokenRenewal {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;
  #count = 0;
  #shown: { id: string; token: string } | undefined;
  readonly #backoff = new Backoff(SOONEST_MS, 10_000);

  constructor(
    private readonly tokens: Tokens,
    private token: string,
    private readonly words: RenewalWords,
  ) {}

  begin(): void {
    const end = endOf(this.token);
    if (end !== undefined) this.#in(Math.max(SOONEST_MS, (end - Date.now()) * USED_SHARE));
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  /** The gateway goes on with the token of this frame. */
  shown(id: string | undefined): void {
    if (this.#shown === undefined || this.#shown.id !== id) return;
    this.token = this.#shown.token;
    this.#shown = undefined;
    this.#backoff.succeeded();
    this.begin();
  }

  /** Whether a problem is about a token that was shown; then another one is shown soon. */
  refused(id: string, problem: Refusal): boolean {
    if (this.#shown?.id !== id) return false;
    this.tokens.refused?.(this.#shown.token);
    this.#shown = undefined;
    this.#failed(problem);
    return true;
  }

  async #renew(): Promise<void> {
    try {
      const token = await this.tokens.get();
      if (this.#isOver) return;
      // Whoever keeps tokens may think that this one is good for a while yet.
      if (token === this.token) return this.begin();
      this.#shown = { id: `a-${(this.#count += 1)}`, token };
      this.words.show(token, this.#shown.id);
    } catch (error) {
      const problem = error instanceof Refusal ? error : new Refusal('unreachable', String(error), { cause: error });
      if (!this.#isOver) this.#failed(problem);
    }
  }

  #failed(problem: Refusal): void {
    this.words.failed(problem);
    this.#in(this.#backoff.next());
  }

  #in(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renew(), Math.min(LATEST_MS, ms));
  }
}
