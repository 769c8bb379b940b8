import { ERRORS, type ErrorCode, HeddleError } from '@heddle/event';

/** Bytes of a refusal that are read: a problem document is short. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/** The body as text. @throws HeddleError `too-large`, `owner-unavailable` when it breaks off */
export async function textOf(answer: Response, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of answer.body ?? []) {
      bytes += part.length;
      if (bytes > maxBytes) throw new HeddleError('too-large', `The object has more than ${maxBytes} bytes.`);
      parts.push(part);
    }
  } catch (cause) {
    if (cause instanceof HeddleError) throw cause;
    throw new HeddleError('owner-unavailable', 'The answer broke off.', { cause });
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Milliseconds until trying again makes sense (RFC 9110 §10.2.3: seconds, or a date); nothing where it is not said. */
export function retryAfterMs(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** A refusal as the error it stands for: by the code of its problem document, else by its status. */
export async function refusalOf(answer: Response): Promise<HeddleError> {
  const text = await textOf(answer, MAX_REFUSAL_BYTES).catch(() => '');
  const waitMs = retryAfterMs(answer.headers.get('retry-after'));
  const retryAfterSeconds = waitMs === undefined ? undefined : waitMs / 1000;
  const { code, detail } = problemIn(text);
  const message = detail ?? `The answer was ${answer.status}.`;
  const known = code !== undefined && ERRORS[code].status === answer.status ? code : codeOf(answer.status);
  return new HeddleError(known, message, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
}

function problemIn(text: string): { code?: ErrorCode; detail?: string } {
  try {
    const { code, detail } = JSON.parse(text) as { code?: unknown; detail?: unknown };
    return {
      ...(typeof code === 'string' && code in ERRORS ? { code: code as ErrorCode } : {}),
      ...(typeof detail === 'string' ? { detail: detail.slice(0, 500) } : {}),
    };
  } catch {
    return {};
  }
}

function codeOf(status: number): ErrorCode {
  if (status === 401) return 'token-invalid';
  if (status === 403) return 'permission-missing';
  if (status === 404) return 'not-found';
  if (status === 410) return 'object-gone';
  if (status === 429) return 'rate-limited';
  // Beyond that, what the client did wrong stays wrong; what the server could not do it may do later.
  return status >= 500 ? 'owner-unavailable' : 'parameter-invalid';
}
