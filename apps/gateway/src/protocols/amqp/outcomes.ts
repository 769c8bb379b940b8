import { HeddleError } from '@heddle/event';
import type { SettleResult, Settlement } from '../../queues/lease-book.js';
import { OWN_CONDITION, isGivenUp, reasonOf } from './conditions.js';
import type { DeliveryState } from './delivery-state.js';

const DELAY_ANNOTATION = 'x-opt-delivery-delay';
const MAX_DELAY_MS = 7 * 86_400_000;

/** What an outcome means for a lease. */
export function settlementOf(token: string, state: DeliveryState): Settlement {
  switch (state.outcome) {
    case 'accepted':
      return { token, action: 'accept' };
    case 'rejected': {
      const reason = reasonOf(state.error) ?? 'rejected by the receiver';
      return { token, action: isGivenUp(state.error) ? 'reject' : 'release', reason };
    }
    case 'modified':
      // Whoever gets it next would be the same receiver, or one that does the same.
      if (state.isUndeliverable) return { token, action: 'reject', reason: 'undeliverable here, says the receiver' };
      return { token, action: 'release', delayMs: delayOf(state), reason: 'modified by the receiver' };
    default:
      return { token, action: 'release', reason: 'released by the receiver' };
  }
}

/** The delay that a receiver asks for with a modified delivery, in milliseconds. */
function delayOf({ annotations }: DeliveryState & { outcome: 'modified' }): number | undefined {
  const delay = annotations?.get(DELAY_ANNOTATION);
  return typeof delay === 'number' && delay >= 0 ? Math.min(Math.trunc(delay), MAX_DELAY_MS) : undefined;
}

/** What is answered: the outcome as it was said, or why it does not count. */
export function stateOf(said: DeliveryState, result: SettleResult): DeliveryState {
  return 'code' in result ? { outcome: 'rejected', error: refusalOf(result.code) } : said;
}

/** What is answered where nobody knows what became of it. */
export function refusedState(error: unknown): DeliveryState {
  const code = error instanceof HeddleError ? error.code : 'internal';
  return { outcome: 'rejected', error: refusalOf(code) };
}

function refusalOf(code: string) {
  return { condition: `${OWN_CONDITION}${code}`, description: 'This settlement does not count.' };
}
