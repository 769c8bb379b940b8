import { type HeddleError, fieldInvalid } from '@heddle/event';

/** A filter that breaks a rule; the path names the part that does. */
export function filterProblem(path: string, rule: string): HeddleError {
  return fieldInvalid(path, rule, 'filter-invalid');
}

/** What a user wrote, short enough to be shown. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
