import { HeddleError } from '@heddle/event';

/** Fetches of one kind of object under way at once. */
const AT_ONCE = 16;
const FIRST_REST_MS = 200;
const LAST_REST_MS = 5000;

/**
 * What is asked of one owner: so much at once, and nothing for a while after it gave no answer at all, so that those who
 * wait for it neither pile up nor keep it from coming back. Any answer ends that.
 */
export class OwnerGate {
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;
  #restMs = 0;
  #restsUntil = 0;

  /** @throws HeddleError `owner-unavailable` while the owner rests, and whatever the work throws */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    this.#refuseResting();
    // Whoever leaves hands its place on, so that nobody who comes meanwhile gets ahead of those who wait.
    if (this.#underWay >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#underWay += 1;
    try {
      this.#refuseResting();
      const done = await work();
      this.#restMs = 0;
      return done;
    } catch (error) {
      this.#failed(error);
      throw error;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#underWay -= 1;
      else next();
    }
  }

  #refuseResting(): void {
    if (Date.now() >= this.#restsUntil) return;
    throw new HeddleError('owner-unavailable', 'The service that owns the object did not answer a moment ago.', {
      retryAfterSeconds: 1,
    });
  }

  #failed(error: unknown): void {
    // An answer that is of no use for one object says nothing of the others; only one that never came has a cause.
    const isSilence = error instanceof HeddleError && error.code === 'owner-unavailable' && error.cause !== undefined;
    if (!isSilence) this.#restMs = 0;
    const now = Date.now();
    // Those that were under way together count once.
    if (!isSilence || now < this.#restsUntil) return;
    this.#restMs = Math.min(LAST_REST_MS, Math.max(FIRST_REST_MS, this.#restMs * 2));
    this.#restsUntil = now + this.#restMs;
  }
}
