import { HeddleError, fieldInvalid, nearest, suggestion, typeMatcher } from '@heddle/event';
import { type Catalogue, type EventType, fieldWords } from '@heddle/schema';
import { FILTER_LIMITS, compileFilter } from '../filters/filters.js';
import { type Binding, compileBindings } from './binding.js';

/** What the data of a type has that has no one value. */
const NO_VALUE = /^(?:a list of|an object)/;

/**
 * Bindings that can mean something: of types that there are, each event under one of them at most, with filters on fields
 * that those types have.
 *
 * @throws HeddleError `type-unknown` and `data-invalid`, which name the field, the rule and the nearest that there is
 */
export async function checkBindings(
  bindings: readonly Binding[],
  catalogue: Pick<Catalogue, 'find' | 'list'>,
): Promise<void> {
  for (const [index, binding] of bindings.entries()) {
    const field = `bindings.${index}`;
    const before = bindings.slice(0, index).findIndex((other) => isShared(other.type, binding.type));
    if (before >= 0) {
      const { type } = bindings[before]!;
      throw fieldInvalid(
        `${field}.type`,
        `has events that bindings.${before} (${type}) has, too: an event leaves by one binding, so put both into one, or narrow one of them`,
      );
    }
    if (binding.type.endsWith('*')) requireSome(binding.type, catalogue.list(), `${field}.type`);
    else checkFilters(binding, await known(binding.type, catalogue, `${field}.type`), field);
  }
  const { length } = compileBindings(bindings).filter;
  if (length > FILTER_LIMITS.cel) {
    throw fieldInvalid(
      'bindings',
      `have ${length} different lists of filters, ${FILTER_LIMITS.cel} are possible: give types the same filters, or make another channel`,
    );
  }
}

/** Whether an event may be of both: of one type, or of types one of which is the beginning of the other. */
function isShared(one: string, other: string): boolean {
  const [stem, otherStem] = [one, other].map((type) => (type.endsWith('*') ? type.slice(0, -1) : type)) as [
    string,
    string,
  ];
  if (one.endsWith('*') && otherStem.startsWith(stem)) return true;
  return other.endsWith('*') ? stem.startsWith(otherStem) : one === other;
}

async function known(type: string, catalogue: Pick<Catalogue, 'find'>, field: string): Promise<EventType> {
  try {
    return await catalogue.find(type);
  } catch (error) {
    if (!(error instanceof HeddleError) || error.code !== 'type-unknown') throw error;
    throw new HeddleError('type-unknown', `${field}: ${error.message} GET /v1/catalogue has all.`, {
      field,
      cause: error,
    });
  }
}

function requireSome(pattern: string, all: readonly EventType[], field: string): void {
  const types = all.map(({ type }) => type);
  if (types.some(typeMatcher([pattern]))) return;
  const stem = pattern.replace(/\.?\*$/, '');
  const length = stem.split('.').length;
  const near = nearest(stem, [...new Set(types.map((type) => type.split('.').slice(0, length).join('.')))]);
  const hint = near === undefined ? 'GET /v1/catalogue has all.' : `Did you mean ${near}.*?`;
  throw new HeddleError('type-unknown', `${field}: the catalogue has no event type under ${pattern}. ${hint}`, {
    field,
  });
}

function checkFilters(binding: Binding, { type, schema }: EventType, field: string): void {
  const fields = fieldWords(schema);
  for (const [index, { data }] of (binding.filters ?? []).entries()) {
    if (data === undefined) continue;
    const at = `${field}.filters.${index}.data`;
    const found = fields.filter(({ path }) => path === data);
    if (found.length === 0) {
      const paths = fields.map(({ path }) => path).filter((path) => !/[[{]/.test(path));
      throw fieldInvalid(at, `is no field of ${type}; ${suggestion(data, paths)}`);
    }
    const hasParts = fields.some(({ path }) => path.startsWith(`${data}.`));
    if (hasParts || found.some((one) => NO_VALUE.test(one.type))) {
      throw fieldInvalid(at, 'has no one value: name a field in it that has');
    }
  }
  try {
    compileFilter(compileBindings([binding]).filter);
  } catch (error) {
    if (!(error instanceof HeddleError) || error.code !== 'filter-invalid') throw error;
    throw fieldInvalid(
      `${field}.filters`,
      `are too much for one condition (${error.fields?.[0]?.rule ?? error.message})`,
    );
  }
}
