import { randomUUID } from 'node:crypto';
import { HeddleError } from '@heddle/event';
import { quoted } from './refusal.js';

/** A part of a multipart body, or the one request or answer within it. */
export interface Part {
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** An HTTP request that is a part. Bodies are kept as their bytes, one character each. */
export interface RequestPart extends Part {
  method: string;
  url: string;
}

const REQUEST_LINE = /^([A-Z]{1,16}) (\S{1,8192})(?: HTTP\/1\.[01])?$/;
const BOUNDARY = /;\s*boundary=(?:"([^"\r\n]{1,70})"|([\w'()+,./:=?-]{1,70}))/i;

/** The boundary that a content type names. @throws HeddleError `content-type-unsupported` */
export function boundaryOf(contentType: string | undefined): string {
  const [, inQuotes, plain] = /^\s*multipart\/mixed\s*;/i.test(contentType ?? '')
    ? (BOUNDARY.exec(contentType!) ?? [])
    : [];
  const boundary = inQuotes ?? plain;
  if (boundary !== undefined) return boundary;
  throw new HeddleError('content-type-unsupported', 'A batch is multipart/mixed and names its boundary.', {
    field: 'content-type',
  });
}

/**
 * The parts between boundaries (RFC 2046 §5.1.1); lines may end in LF alone.
 *
 * @throws HeddleError `body-invalid`
 */
export function parseMultipart(body: string, boundary: string, most: number): Part[] {
  const mark = `--${boundary}`;
  const parts: Part[] = [];
  let from: number | undefined;
  for (let at = 0; ;) {
    const found = body.indexOf(mark, at);
    if (found < 0) throw new HeddleError('body-invalid', `The boundary ${quoted(mark)} does not end the body.`);
    at = found + mark.length;
    if (found > 0 && body[found - 1] !== '\n') continue;
    const [line = ''] = /[^\r\n]*/.exec(body.slice(at, at + 256)) ?? [];
    const isLast = line.startsWith('--');
    // Another boundary may begin with this one.
    if (!isLast && line.trim() !== '') continue;
    if (from !== undefined) parts.push(partOf(body.slice(from, found).replace(/\r?\n$/, '')));
    if (parts.length > most) throw new HeddleError('too-complex', `A batch may have ${most} parts at most.`);
    if (isLast) return parts;
    from = at + line.length + (body.startsWith('\r\n', at + line.length) ? 2 : 1);
  }
}

/** The request in a part of type application/http. @throws HeddleError `body-invalid` */
export function requestOf({ headers, body }: Part): RequestPart {
  const type = headers['content-type'] ?? '';
  if (!/^\s*application\/http\s*(?:;|$)/i.test(type)) {
    throw new HeddleError('body-invalid', `A part is application/http or a change set, and not ${quoted(type)}.`);
  }
  const text = body.replace(/^(?:\r?\n)+/, '');
  const [line = ''] = /^[^\r\n]*/.exec(text) ?? [];
  const [, method, url] = REQUEST_LINE.exec(line.trim()) ?? [];
  if (method === undefined || url === undefined) {
    throw new HeddleError('body-invalid', `${quoted(line)} is no request line.`);
  }
  const inner = partOf(text.slice(line.length).replace(/^\r?\n/, ''));
  const length = inner.headers['content-length'];
  const bytes = length !== undefined && /^\d{1,9}$/.test(length) ? inner.body.slice(0, Number(length)) : inner.body;
  return { method, url, headers: inner.headers, body: bytes };
}

/** Header lines, an empty line, and the rest. */
function partOf(text: string): Part {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  let rest = text;
  for (;;) {
    const [whole, line = ''] = /^([^\r\n]*)(?:\r?\n|$)/.exec(rest) ?? [''];
    rest = rest.slice(whole.length);
    if (line === '') return { headers, body: rest };
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]{1,128}):[ \t]*(.*)$/.exec(line) ?? [];
    if (name === undefined) throw new HeddleError('body-invalid', `${quoted(line)} is no header line.`);
    headers[name.toLowerCase()] = value!.trim();
    if (whole === '' || rest === '') return { headers, body: rest };
  }
}

/** An answer as a part of one. */
export interface AnswerPart {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** A multipart body; what is a text already is a change set. */
export function printMultipart(
  kind: 'batch' | 'changeset',
  parts: readonly (AnswerPart & { contentId?: string | undefined; changeSet?: boolean })[],
): { contentType: string; body: string } {
  const boundary = `${kind}_${randomUUID()}`;
  const lines = parts.map((part) => `--${boundary}\r\n${part.changeSet === true ? nested(part) : http(part)}\r\n`);
  return { contentType: `multipart/mixed; boundary=${boundary}`, body: `${lines.join('')}--${boundary}--\r\n` };
}

function nested({ headers, body }: AnswerPart): string {
  return `Content-Type: ${headers['content-type']}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function http({ status, headers, body, contentId }: AnswerPart & { contentId?: string | undefined }): string {
  const all = {
    ...headers,
    'content-length': String(Buffer.byteLength(body)),
    ...(contentId === undefined ? {} : { 'content-id': contentId }),
  };
  const fields = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nHTTP/1.1 ${status} ${REASONS[status] ?? 'Status'}\r\n${fields.join('')}\r\n${body}`;
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  304: 'Not Modified',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition Failed',
  422: 'Unprocessable Content',
  428: 'Precondition Required',
  503: 'Service Unavailable',
};
