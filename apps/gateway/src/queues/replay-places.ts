import { HeddleError, type Position } from '@heddle/event';
import type { EventTimeline } from '../ledger/event-timeline.js';

/** Where events of a tenant stand, as the index of what happened knows; nothing when it does not know all of them. */
export async function placesOf(
  timeline: Pick<EventTimeline, 'places'>,
  tenant: string,
  eventIds: readonly string[],
): Promise<Position[] | undefined> {
  try {
    return (await Promise.all(eventIds.map((id) => timeline.places(tenant, id)))).flat();
  } catch (error) {
    // The index is disposable, and keeps some days only: what it does not know may stand in the log nevertheless.
    if (error instanceof HeddleError && (error.code === 'not-found' || error.code === 'index-behind')) return undefined;
    throw error;
  }
}
