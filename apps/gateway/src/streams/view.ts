import type { Caller } from '@heddle/auth';
import type { DispatchedEvent, Mask } from '../represent.js';

/** How somebody sees events; those with the same name see them alike, and share their bytes. */
export interface View {
  name: string;
  of(event: DispatchedEvent): DispatchedEvent;
}

const CLEAR: View = { name: '', of: (event) => event };

/** What is personal in a type is masked for those without `unmask` for it. */
export function viewOf({ permissions }: Caller, mask: Mask | undefined): View {
  if (mask === undefined || permissions.allows('unmask', 'type', '*')) return CLEAR;
  return {
    name: `masked but ${permissions.patterns('unmask', 'type').toSorted().join(' ')}`,
    of: (event) => (permissions.allows('unmask', 'type', event.stored.attributes.type) ? event : event.masked(mask)),
  };
}
