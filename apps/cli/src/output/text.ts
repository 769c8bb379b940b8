/** What came as JSON, as text: a text is itself, nothing is nothing, and the rest is JSON again. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
