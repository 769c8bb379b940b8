import { type Caller, permissionMissing } from '@heddle/auth';

/**
 * Whoever may publish nothing at all learns nothing of what would be wrong with it. Which of the two rights a topic needs is
 * known when it is known whether it is that of an event type.
 *
 * @throws HeddleError `permission-missing`
 */
export function requirePublisher(caller: Caller, missing: string): void {
  const { permissions } = caller;
  if (permissions.allowsSome('publish', 'topic') || permissions.allowsSome('publish', 'type')) return;
  throw permissionMissing(caller, missing);
}
