import { type Caller, permissionMissing, requirePermission } from '@heddle/auth';
import { type TypeMatcher, typeMatcher } from '@heddle/event';

/** Which events somebody is to see: by patterns, and as the test that they stand for. */
export interface WantedTypes {
  patterns: readonly string[];
  matches: TypeMatcher;
}

/**
 * What somebody wants of what it may consume: each pattern has to be covered by a permission; without any it is all
 * that it may consume, and nothing else that comes up later.
 *
 * @throws HeddleError `permission-missing`, naming it; `parameter-invalid` for what is no pattern
 */
export function wantedTypes(caller: Caller, patterns: readonly string[]): WantedTypes {
  const { permissions } = caller;
  if (patterns.length > 0) {
    const matches = typeMatcher(patterns);
    for (const pattern of patterns) requirePermission(caller, 'consume', 'type', pattern);
    return { patterns, matches };
  }
  const granted = permissions.patterns('consume', 'type');
  if (granted.length === 0) throw permissionMissing(caller, 'consume:type:…');
  // Permissions select whole segments, too, which patterns of a request cannot.
  return { patterns: granted, matches: (type) => permissions.allows('consume', 'type', type) };
}
