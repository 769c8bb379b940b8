import type { DeliveryLine } from '../history.js';

/** Whether the receiver accepted it, and was not told that its lease was over. */
export function isAccepted({ answer, settlement }: DeliveryLine): boolean {
  return answer === 'accept' && settlement !== 'refused';
}
