import { HeddleError } from '@heddle/event';

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** The pages whose scripts may connect: those of the same machine, and the ones that are set. */
export class Origins {
  readonly #allowed: ReadonlySet<string>;

  /** @param allowed such as `https://console.example`; when there are any, loopback has to be among them */
  constructor(allowed: readonly string[] = []) {
    this.#allowed = new Set(allowed);
  }

  /** @throws HeddleError `origin-refused` for a page of elsewhere; without an origin nobody is a page */
  check(origin: string | undefined): void {
    if (origin === undefined || this.#isAllowed(origin)) return;
    throw new HeddleError('origin-refused', `Pages of ${origin.slice(0, 200)} may not connect.`, { field: 'origin' });
  }

  #isAllowed(origin: string): boolean {
    if (this.#allowed.size > 0) return this.#allowed.has(origin);
    return URL.canParse(origin) && LOOPBACK.test(new URL(origin).hostname);
  }
}
