/** Something that is about to reach its limit. */
export interface NearLimit {
  /** Nothing where it is about no tenant alone. */
  tenant: string | undefined;
  /** What it is, and of whom: `queues`, `connections/client/orders`, … */
  name: string;
  used: number;
  limit: number;
}

const NEAR_SHARE = 0.8;
const SAY_AGAIN_MS = 10 * 60_000;
/** Of so many is remembered when they were said; of more, the oldest may be said again. */
const MAX_SAID = 10_000;

/** Says what has come to 80 % of its limit, each at most once in ten minutes. */
export class NearLimits {
  readonly #saidAt = new Map<string, number>();

  constructor(
    private readonly say: (near: NearLimit) => void,
    private readonly now: () => number = Date.now,
  ) {}

  /** @param name what it is and of whom, which is only asked when it is near */
  note(used: number, limit: number, tenant: string | undefined, name: () => string): void {
    if (used < limit * NEAR_SHARE) return;
    const near = { tenant, name: name(), used, limit };
    const subject = `${tenant ?? ''}/${near.name}`;
    const now = this.now();
    const before = this.#saidAt.get(subject);
    if (before !== undefined && now - before < SAY_AGAIN_MS) return;
    // Anew, so that the first of the map is the oldest.
    this.#saidAt.delete(subject);
    const oldest = this.#saidAt.keys().next();
    if (this.#saidAt.size >= MAX_SAID && oldest.done !== true) this.#saidAt.delete(oldest.value);
    this.#saidAt.set(subject, now);
    this.say(near);
  }
}
