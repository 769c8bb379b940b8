import { randomInt, randomUUID } from 'node:crypto';
import { wrongLine } from '../wrong-line.js';

/** What a template is filled with, once for each event. */
export interface Filling {
  /** Counts from 1. */
  n: number;
  now: Date;
}

/** The words that a template may have in double braces, for help and reference. */
export const PLACEHOLDERS: Readonly<Record<string, string>> = {
  '{{n}}': 'counts from 1',
  '{{uuid}}': 'a new UUID',
  '{{now}}': 'the time, as 2026-01-31T12:00:00.000Z',
  '{{today}}': 'the date, as 2026-01-31',
  '{{random 1 100}}': 'a whole number between the two, both included',
  '{{pick EUR|USD}}': 'one of these, by chance',
};

const PLACEHOLDER = /\{\{\s*([a-z]+)(?:\s+([^}]*?))?\s*\}\}/g;

/**
 * Fills the placeholders in all texts of a value. Numbers in JSON cannot have any: a text that is one placeholder and
 * ends in `:number` becomes one (`"{{n:number}}"`).
 *
 * @throws HeddleError `command-invalid` for a word that there is not
 */
export function filled<T>(template: T, filling: Filling): T {
  return fill(template, filling) as T;
}

function fill(value: unknown, filling: Filling): unknown {
  if (typeof value === 'string') return fillText(value, filling);
  if (Array.isArray(value)) return value.map((item) => fill(item, filling));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fill(item, filling)]));
}

function fillText(text: string, filling: Filling): unknown {
  const asNumber = /^\{\{([^{}]*):number\s*\}\}$/.exec(text);
  if (asNumber !== null) return Number(fillText(`{{${asNumber[1] ?? ''}}}`, filling));
  return text.replace(PLACEHOLDER, (whole, word: string, rest: string | undefined) => {
    const filledIn = wordOf(word, rest ?? '', filling);
    if (filledIn !== undefined) return filledIn;
    throw wrongLine(`There is no ${whole}: a template may have ${Object.keys(PLACEHOLDERS).join(', ')}.`);
  });
}

function wordOf(word: string, rest: string, { n, now }: Filling): string | undefined {
  switch (word) {
    case 'n':
      return String(n);
    case 'uuid':
      return randomUUID();
    case 'now':
      return now.toISOString();
    case 'today':
      return now.toISOString().slice(0, 10);
    case 'random': {
      const [from, to] = rest.split(/\s+/).map(Number);
      if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) return undefined;
      return String(randomInt(from ?? 0, (to ?? 0) + 1));
    }
    case 'pick': {
      const words = rest.split('|');
      return words[randomInt(words.length)]?.trim();
    }
    default:
      return undefined;
  }
}
