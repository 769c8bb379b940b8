import { HeddleError } from '@heddle/event';
import { isMasked } from './masked.js';

const VARIABLE = /\$?\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** The name of a variable that stands for a secret in an export: `WEBHOOK_ORDERS_AUTH_BASIC_PASSWORD`. */
export function variableName(kind: string, name: string, path: string): string {
  return `${kind}_${name}_${path}`.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_');
}

/** A value with what is masked replaced by variables; `$` before a brace that is meant as such is doubled. */
export function withVariables(value: unknown, kind: string, name: string, path = ''): unknown {
  if (isMasked(value)) return `\${${variableName(kind, name, path)}}`;
  if (typeof value === 'string') return value.replaceAll('${', () => '$${');
  return mapped(value, path, (item, at) => withVariables(item, kind, name, at));
}

/**
 * A value with its variables (`${NAME}`) filled from the environment. One that is not set keeps what the thing has
 * there, where that is secret.
 *
 * @param present the same place of the thing as it is, secrets masked
 * @throws HeddleError `setting-invalid` for a variable that is not set, where nothing can be kept
 */
export function withoutVariables(
  value: unknown,
  present: unknown,
  variable: (name: string) => string | undefined,
  path = '',
): unknown {
  if (typeof value === 'string') return filledText(value, present, variable, path);
  return mapped(value, path, (item, at, name) => {
    const beside =
      typeof present === 'object' && present !== null ? (present as Record<string, unknown>)[name] : undefined;
    return withoutVariables(item, beside, variable, at);
  });
}

function filledText(
  text: string,
  present: unknown,
  variable: (name: string) => string | undefined,
  path: string,
): string {
  let missing: string | undefined;
  const filled = text.replace(VARIABLE, (whole, name: string) => {
    if (whole.startsWith('$$')) return whole.slice(1);
    const value = variable(name);
    if (value === undefined) missing = name;
    return value ?? '';
  });
  if (missing === undefined) return filled;
  if (isMasked(present)) return present;
  throw new HeddleError('setting-invalid', `${missing} is not set, and ${path} has no value that could be kept.`, {
    field: path,
  });
}

function mapped(value: unknown, path: string, map: (item: unknown, path: string, name: string) => unknown): unknown {
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
  if (Array.isArray(value)) return value.map((item, index) => map(item, at(String(index)), String(index)));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, map(item, at(name), name)]));
}
