import type { Expression } from './filter.js';
import { type OrderTerm, parseFilter, parseOrderBy } from './filter-parse.js';
import { own } from './model.js';
import { quoted, refusal, tooComplex } from './refusal.js';

/** The system query options of a request, read but not yet held to a model. */
export interface QueryOptions {
  filter?: Expression;
  orderBy: readonly OrderTerm[];
  select?: readonly (readonly string[])[];
  expand: readonly (readonly string[])[];
  top?: number;
  skip: number;
  skipToken?: string;
  isCounted: boolean;
  format?: 'json' | 'atom';
  /** The least version of the object that will do. */
  version?: number;
  /** As they came, without those that say which part of a set is wanted: for the link to the next one. */
  kept: readonly (readonly [name: string, value: string])[];
  /** The names of all options of the protocol that were given. */
  given: readonly string[];
  /** Parameters of functions; whatever else is no option of the protocol. */
  others: ReadonlyMap<string, string>;
}

const MAX_NUMBER = 2_147_483_647;
const MAX_PATHS = 200;
export const MAX_EXPAND_DEPTH = 4;
const NAMES = new Set('$filter $orderby $select $expand $top $skip $skiptoken $inlinecount $format'.split(' '));
/** Which part of a set is wanted. */
const PART = new Set(['$top', '$skip', '$skiptoken']);

/** @throws HeddleError `parameter-invalid` naming the option and its rule, `too-complex` */
export function parseOptions(query: string, headers: Readonly<Record<string, string | undefined>> = {}): QueryOptions {
  const pairs = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => pairOf(pair));
  const given = new Map<string, string>();
  const others = new Map<string, string>();
  for (const [name, value] of pairs) {
    if (name.startsWith('$')) {
      if (!NAMES.has(name)) throw refusal(quoted(name), `is no option here; there are ${[...NAMES].join(', ')}`);
      if (given.has(name)) throw refusal(name, 'is there twice');
      given.set(name, value);
    } else others.set(name, value);
  }
  const text = (name: string): string | undefined => {
    const value = given.get(name)?.trim();
    return value === undefined || value === '' ? undefined : value;
  };
  const [filter, orderBy, select, expand] = ['$filter', '$orderby', '$select', '$expand'].map(text);
  const version = others.get('version') ?? headers['heddle-version'];
  const [top, skip, skipToken, format] = [
    count(given, '$top'),
    count(given, '$skip'),
    text('$skiptoken'),
    formatOf(text('$format')),
  ];
  return {
    ...(filter === undefined ? {} : { filter: parseFilter(filter) }),
    orderBy: orderBy === undefined ? [] : parseOrderBy(orderBy),
    ...(select === undefined ? {} : { select: pathsOf('$select', select) }),
    expand: expand === undefined ? [] : pathsOf('$expand', expand),
    ...(top === undefined ? {} : { top }),
    skip: skip ?? 0,
    ...(skipToken === undefined ? {} : { skipToken }),
    isCounted: inlineCount(text('$inlinecount')),
    ...(format === undefined ? {} : { format }),
    ...(version === undefined ? {} : { version: versionOf(version) }),
    kept: pairs.filter(([name]) => !PART.has(name)),
    given: [...given.keys()],
    others,
  };
}

function pairOf(pair: string): [string, string] {
  const at = pair.indexOf('=');
  const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
  return [unescaped(name).trim(), unescaped(value)];
}

/** As in forms, a plus is a space. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw refusal('query', `${quoted(text)} has a percent sign that begins no escape`);
  }
}

function count(given: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = given.get(name)?.trim();
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!/^\d{1,10}$/.test(text) || value > MAX_NUMBER) throw refusal(name, 'is a whole number, and not below zero');
  return value;
}

function versionOf(text: string): number {
  if (!/^\d{1,15}$/.test(text) || Number(text) < 1) throw refusal('version', 'is a whole number from 1 on');
  return Number(text);
}

function inlineCount(text: string | undefined): boolean {
  if (text === undefined || text === 'none') return false;
  if (text === 'allpages') return true;
  throw refusal('$inlinecount', 'is allpages or none');
}

const FORMATS = {
  json: 'json',
  'application/json': 'json',
  atom: 'atom',
  xml: 'atom',
  'application/atom+xml': 'atom',
} as const;

function formatOf(text: string | undefined): 'json' | 'atom' | undefined {
  if (text === undefined) return undefined;
  const format = own(FORMATS, text.split(';', 1)[0]!.trim().toLowerCase());
  if (format === undefined) throw refusal('$format', 'is json, atom or xml');
  return format as 'json' | 'atom';
}

const PATH = /^(?:\*|[A-Za-z_]\w{0,127}(?:\/[A-Za-z_]\w{0,127})*(?:\/\*)?)$/;

function pathsOf(option: string, text: string): string[][] {
  const paths = text.split(',').map((path) => path.trim());
  if (paths.length > MAX_PATHS) throw tooComplex(option, `may name ${MAX_PATHS} at most`);
  return paths.map((path) => {
    if (!PATH.test(path)) throw refusal(option, `${quoted(path)} is no path of names`);
    return path.split('/');
  });
}

/** The options of the next part of a set, as a query. */
export function nextQuery({ kept }: QueryOptions, skipToken: string, top: number | undefined): string {
  const part: [string, string][] = [
    ...(top === undefined ? [] : ([['$top', String(top)]] as [string, string][])),
    ['$skiptoken', skipToken],
  ];
  return [...kept, ...part].map(([name, value]) => `${escaped(name)}=${escaped(value)}`).join('&');
}

/** What may stand in a query as it is stays readable: `$filter`, quotes, commas. */
function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll('%24', '$').replaceAll('%2C', ',').replaceAll('%2F', '/');
}
