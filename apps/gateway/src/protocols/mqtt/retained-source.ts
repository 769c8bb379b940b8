import type { Grant, ReceiveWish, SettleResult, Settlement } from '../../queues/lease-book.js';
import type { DeliverySource } from './source.js';

/**
 * What is retained for one subscription, as a queue that nobody else reads: the client gets it as fast as it takes messages,
 * and what it says of them ends them.
 */
export class RetainedSource implements DeliverySource {
  readonly kind = 'own';
  readonly name = '';
  readonly holdsOn = true;
  readonly #left: Grant[];

  /** @param onEmpty everything was taken */
  constructor(
    readonly filter: string,
    grants: readonly Grant[],
    private readonly onEmpty: () => void,
  ) {
    this.#left = [...grants];
  }

  waitFor({ max }: Omit<ReceiveWish, 'leaseMs'>): Promise<readonly Grant[]> {
    if (this.#left.length === 0) this.onEmpty();
    return Promise.resolve(this.#left.splice(0, max));
  }

  settle(settlements: readonly Settlement[]): SettleResult[] {
    return settlements.map(({ action }) =>
      action === 'renew' ? { state: 'renewed', expiresAt: Infinity } : { state: 'accepted' },
    );
  }

  handBack(grants: readonly Grant[]): void {
    this.#left.unshift(...grants);
  }

  onClosed(): () => void {
    return () => undefined;
  }

  close(): void {
    this.#left.length = 0;
  }
}
