import type { StoredEvent } from '@heddle/event';
import { compileFilter } from '../filters/filters.js';
import { type Binding, compileBindings } from './binding.js';

/** Which filter of which binding holds an event back, in words; nothing where none does. */
export function heldBy(bindings: readonly Binding[], event: StoredEvent): string | undefined {
  for (const [index, { type, filters = [] }] of bindings.entries()) {
    const at = filters.findIndex(
      (filter) => !compileFilter(compileBindings([{ type, filters: [filter] }]).filter).matches(event),
    );
    const filter = filters[at];
    if (filter === undefined) continue;
    return `bindings.${index}.filters.${at} does not let its ${filter.data ?? filter.attribute} through`;
  }
  return undefined;
}
