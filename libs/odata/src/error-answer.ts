import type { Problem } from '@heddle/event';
import { NAMESPACES, element, escaped, xmlDocument } from './xml.js';

/** What answers are written in. */
export type Format = 'json' | 'atom';

/** An error in the shape of V2: the code, a sentence, and each field with its rule. */
export function errorAnswer(problem: Problem, format: Format): { contentType: string; body: string } {
  const { code, detail, field, errors = [], retryable } = problem;
  const fields = errors.length > 0 ? errors : field === undefined ? [] : [{ field, rule: detail }];
  if (format === 'json') {
    const errordetails = fields.map(({ field: propertyref, rule: message }) => ({
      code,
      message,
      propertyref,
      severity: 'error',
    }));
    const error = { code, message: { lang: 'en', value: detail }, innererror: { retryable, errordetails } };
    return { contentType: 'application/json;charset=utf-8', body: JSON.stringify({ error }) };
  }
  const details = fields.map(({ field: propertyref, rule }) =>
    element(
      'errordetail',
      {},
      element('code', {}, escaped(code)),
      element('message', {}, escaped(rule)),
      element('propertyref', {}, escaped(propertyref)),
      element('severity', {}, escaped('error')),
    ),
  );
  const error = element(
    'error',
    { xmlns: NAMESPACES.m },
    element('code', {}, escaped(code)),
    element('message', { 'xml:lang': 'en' }, escaped(detail)),
    element(
      'innererror',
      {},
      element('retryable', {}, escaped(String(retryable))),
      element('errordetails', {}, ...details),
    ),
  );
  return { contentType: 'application/xml;charset=utf-8', body: xmlDocument(error) };
}

/** The media types of an Accept header, the most wanted first (RFC 9110 §12.5.1). */
function wishesOf(accept: string): string[] {
  const ranges = accept
    .toLowerCase()
    .split(',')
    .map((range) => ({
      type: range.split(';', 1)[0]!.trim(),
      weight: Number(/;\s*q=([\d.]{1,5})/.exec(range)?.[1] ?? 1),
    }));
  return ranges
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => b.weight - a.weight)
    .map(({ type }) => type);
}

/** What a request wants its answer in: `$format` stands before Accept, and Atom is what comes of neither. */
export function formatOf(url: string, accept: string | undefined): Format {
  const [, wanted] = /[?&](?:\$|%24)format=([^&]*)/i.exec(url) ?? [];
  if (wanted !== undefined) return /^(?:application(?:\/|%2f))?json/i.test(wanted) ? 'json' : 'atom';
  for (const type of wishesOf(accept ?? '')) {
    if (type === 'application/json' || type === 'text/json') return 'json';
    if (/^(?:application|text)\/(?:atom\+|atomsvc\+)?xml$/.test(type)) return 'atom';
  }
  return 'atom';
}
