import { HeddleError } from '@heddle/event';
import { meant, wrongLine } from '../wrong-line.js';
import { readText } from '../context/context-source.js';
import type { Gateway } from '../gateway.js';
import type { Terminal } from '../terminal.js';
import { sampleOf } from './sample.js';

/** An event on its way to the gateway, in CloudEvents JSON format; texts may still have placeholders. */
export type EventJson = Record<string, unknown>;

/** What the catalogue says of an event type. */
export interface CatalogueEntry {
  type: string;
  object: string;
  topic: string;
  summary: string;
  key: string;
  owner?: string;
  /** `open`: others than the owner may publish it, too. */
  publish?: 'open' | 'owner-only';
  version: number;
  schema: unknown;
  example?: unknown;
}

export interface TemplateWish {
  type: string | undefined;
  file: string | undefined;
  data: string | undefined;
  template: string | undefined;
  key: string | undefined;
  source: string | undefined;
  /** `path=text` and `path:=json`. */
  set: readonly string[];
  /** `name=value`. */
  attribute: readonly string[];
}

/** The events that somebody means, each to be filled and published. */
export async function eventTemplates(
  gateway: () => Promise<Gateway>,
  wish: TemplateWish,
  terminal: Terminal,
): Promise<EventJson[]> {
  const { type, file, data, template } = wish;
  if ([file, data, template].filter((given) => given !== undefined).length > 1) {
    throw wrongLine('--file, --data and --template are three ways to say the same: use one.');
  }
  if (file !== undefined) {
    if (type !== undefined) throw wrongLine('The events of a file have their types: leave TYPE out, or use --data.');
    return eventsIn(await textOf(file, terminal), file).map((event) => changed(event, wish, undefined));
  }
  const given = template === undefined ? data : `@${template}`;
  const json = given === undefined ? undefined : parsed(await dataText(given, terminal), 'the data');
  if (isEvent(json)) return [changed(json, wish, undefined)];
  if (type === undefined) throw wrongLine('Name the TYPE of the event, or a --file with events.');
  const entry = await catalogueEntry(await gateway(), type);
  const sample = json ?? entry.example ?? sampleOf(entry.schema);
  return [changed({ specversion: '1.0', type, data: sample }, wish, entry.key)];
}

/** @throws HeddleError `type-unknown`, naming the nearest one there is */
export async function catalogueEntry(gateway: Gateway, type: string): Promise<CatalogueEntry> {
  try {
    return await gateway.get<CatalogueEntry>(`/v1/catalogue/${encodeURIComponent(type)}`);
  } catch (error) {
    if (!(error instanceof HeddleError) || error.code !== 'type-unknown') throw error;
    const { types } = await gateway.get<{ types: CatalogueEntry[] }>('/v1/catalogue');
    const names = types.map((entry) => entry.type);
    // The gateway names the nearest where it knows one; it looks less far.
    const hint = names.some((name) => error.message.includes(name)) ? '' : meant(type, names);
    throw new HeddleError('type-unknown', `${error.message}${hint}`, { cause: error });
  }
}

/** One event, an array of them, or one on each line. @throws HeddleError `body-invalid` */
function eventsIn(text: string, file: string): EventJson[] {
  const whole = tryJson(text);
  const values =
    whole !== undefined
      ? [whole].flat()
      : lines(text).map((line, index) => parsed(line, `line ${index + 1} of ${file}`));
  if (values.length === 0) throw new HeddleError('body-invalid', `${file} has no events.`);
  return values.map((value, index) => {
    if (isEvent(value)) return value;
    throw new HeddleError(
      'body-invalid',
      `What stands at place ${index + 1} of ${file} is no CloudEvent: it has no type, or no specversion.`,
    );
  });
}

/** With what the command line says to be different, and with what every event has to have. */
function changed(event: EventJson, wish: TemplateWish, keyField: string | undefined): EventJson {
  const result = structuredClone({ specversion: '1.0', id: '{{uuid}}', source: '/heddle/cli', ...event }) as EventJson;
  if (wish.source !== undefined) result['source'] = wish.source;
  if (wish.key !== undefined) {
    result['subject'] = wish.key;
    if (keyField !== undefined) put(result, ['data', keyField], wish.key);
  }
  for (const text of wish.set) {
    const at = text.indexOf('=');
    if (at < 1) throw wrongLine(`--set takes PATH=TEXT or PATH:=JSON, not ${text}.`);
    const isJson = text[at - 1] === ':';
    const value = text.slice(at + 1);
    put(
      result,
      ['data', ...text.slice(0, isJson ? at - 1 : at).split('.')],
      isJson ? parsed(value, `--set ${text}`) : value,
    );
  }
  for (const text of wish.attribute) {
    const at = text.indexOf('=');
    if (at < 1) throw wrongLine(`--attribute takes NAME=VALUE, not ${text}.`);
    result[text.slice(0, at)] = text.slice(at + 1);
  }
  return result;
}

function put(target: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    // As an own property whatever its name, so that no name reaches a prototype.
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
    return;
  }
  const present = Object.hasOwn(target, name) ? target[name] : undefined;
  const next = typeof present === 'object' && present !== null ? present : {};
  if (next !== present) put(target, [name], next);
  put(next as Record<string, unknown>, rest, value);
}

function isEvent(value: unknown): value is EventJson {
  if (typeof value !== 'object' || value === null) return false;
  const { type, specversion, data } = value as EventJson;
  return typeof type === 'string' && (specversion !== undefined || data !== undefined);
}

function dataText(given: string, terminal: Terminal): Promise<string> {
  if (given === '-') return terminal.input();
  return given.startsWith('@') ? textOf(given.slice(1), terminal) : Promise.resolve(given);
}

async function textOf(file: string, terminal: Terminal): Promise<string> {
  return file === '-' ? terminal.input() : readText(file);
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}

function parsed(text: string, what: string): unknown {
  const value = tryJson(text);
  if (value !== undefined) return value;
  throw new HeddleError('body-invalid', `${what} is no JSON: ${text.trim().slice(0, 60)}`);
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
