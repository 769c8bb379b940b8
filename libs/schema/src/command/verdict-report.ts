import { HeddleError } from '@heddle/event';
import type { SchemaVerdict } from '../check-schemas.js';
import { breachesOf } from '../verdict-words.js';
import { escaped, escapedText, type CommandArguments, type CommandIo, type CommandOption } from './command.js';
import { painted } from './colours.js';
import { dirOf, textOf } from './registry-options.js';

const FORMATS = ['text', 'json', 'github'] as const;
export type Format = (typeof FORMATS)[number];

export const FORMAT_OPTION: CommandOption = {
  type: 'string',
  value: 'FORMAT',
  about: 'text, json, or github: annotations of a pull request (text)',
};

/** @throws HeddleError `parameter-invalid` */
export function formatOf(args: CommandArguments): Format {
  const given = textOf(args, 'format') ?? 'text';
  const format = FORMATS.find((each) => each === given);
  if (format === undefined)
    throw new HeddleError('parameter-invalid', `--format must be one of ${FORMATS.join(', ')}.`);
  return format;
}

/** Says what came of each file, in the form that was asked for. */
export function report(verdicts: readonly SchemaVerdict[], args: CommandArguments, io: CommandIo): void {
  const format = formatOf(args);
  if (format === 'json') return io.out(JSON.stringify({ verdicts: verdicts.map(withBreaches) }, null, 2));
  for (const verdict of verdicts) {
    if (format === 'github') annotate(verdict, dirOf(args), io);
    else say(verdict, io);
  }
  const refused = verdicts.filter(({ outcome }) => outcome === 'incompatible').length;
  const news = verdicts.filter(({ outcome }) => outcome === 'new' || outcome === 'compatible').length;
  io.out(`${verdicts.length} schemas: ${news} new or changed, ${refused} not compatible`);
}

/** A verdict as JSON has it, breaches in words beside the findings they are made of. */
export function withBreaches<T extends SchemaVerdict>(verdict: T): T & { breaches: object[] } {
  return { ...verdict, breaches: breachesOf(verdict) };
}

function say(verdict: SchemaVerdict, io: CommandIo): void {
  if (verdict.outcome === 'unchanged') return;
  const { file, outcome, mode, latest } = verdict;
  const since = latest === undefined ? '' : ` with version ${latest} and those before it`;
  const held =
    outcome === 'new'
      ? 'new'
      : `${outcome}${mode.endsWith('TRANSITIVE') ? since : since.replace(/ and .*/, '')} (${mode})`;
  io.out(`${painted(outcome === 'incompatible' ? 'red' : 'green', file, io)}: ${held}`);
  for (const { line, words } of breachesOf(verdict)) io.out(`  ${file}:${line} ${words}`);
}

function annotate(verdict: SchemaVerdict, dir: string, io: CommandIo): void {
  for (const { line, rule, words } of breachesOf(verdict)) {
    const properties = `file=${escaped(`${dir}/${verdict.file}`)},line=${line},title=${escaped(rule)}`;
    io.out(`::error ${properties}::${escapedText(words)}`);
  }
}
