/** What a problem document (RFC 9457) of the gateway says, as far as a receiver needs it. */
interface ProblemDocument {
  code?: unknown;
  detail?: unknown;
  retryable?: unknown;
  field?: unknown;
}

export interface RefusalDetails {
  /** The HTTP status; 0 when nothing was answered. */
  status?: number;
  retryable?: boolean;
  retryAfterMs?: number | undefined;
  field?: string | undefined;
  cause?: unknown;
}

/**
 * What was answered instead of what was asked for. `code` is the stable name to program against: those of
 * docs/reference/errors.md, or one of this library: `unreachable` (no complete answer came), `answer-unreadable` (what
 * came is not the gateway's), `reference-refused` (it leads where nothing is fetched from), `document-changed` (what was
 * fetched is not what was referred to). A newer gateway may have more codes.
 */
export class Refusal extends Error {
  readonly code: string;
  readonly status: number;
  /** Whether the same may succeed later, unchanged. */
  readonly retryable: boolean;
  /** How long the server asks to be left alone; undefined when it does not say. */
  readonly retryAfterMs: number | undefined;
  /** What is wrong in the request, where one thing is. */
  readonly field: string | undefined;

  constructor(code: string, message: string, details: RefusalDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'Refusal';
    this.code = code;
    this.status = details.status ?? 0;
    this.retryable = details.retryable ?? false;
    this.retryAfterMs = details.retryAfterMs;
    this.field = details.field;
  }
}

/** The refusal that an answer which is no success stands for. Never rejects. */
export async function refusalOf(response: Response): Promise<Refusal> {
  const { status, headers } = response;
  const text = await response.text().catch(() => '');
  const { code, detail, retryable, field } = problemOf(text);
  const details = {
    status,
    retryable: typeof retryable === 'boolean' ? retryable : isRetryable(status),
    retryAfterMs: retryAfterMs(headers.get('retry-after')),
    field: typeof field === 'string' ? field : undefined,
  };
  if (typeof code === 'string') return new Refusal(code, typeof detail === 'string' ? detail : code, details);
  return new Refusal(
    'answer-unreadable',
    `${whose(response)} was ${status}, without a problem document${said(text)}`,
    details,
  );
}

/** Without the query, where secrets may stand. */
function whose({ url }: Response): string {
  if (!URL.canParse(url)) return 'The answer';
  const { origin, pathname } = new URL(url);
  return `The answer of ${origin}${pathname}`;
}

/** The beginning of what a proxy, say, has to say for itself. */
function said(text: string): string {
  const words = text
    .slice(0, 2000)
    .replace(/<(style|script)[^]*?<\/\1>|<[^>]*>/gi, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return words === '' ? '.' : `: ${words.slice(0, 200)}`;
}

/** No complete answer came: the connection failed, was cut, or took too long. */
export function unreachable(url: string, cause: unknown, timeoutMs?: number): Refusal {
  const isTooLate = cause instanceof Error && cause.name === 'TimeoutError' && timeoutMs !== undefined;
  const reason = isTooLate ? `none within ${timeoutMs} ms` : cause instanceof Error ? causeOf(cause) : String(cause);
  return new Refusal('unreachable', `No answer from ${new URL(url).origin}: ${reason}`, { retryable: true, cause });
}

/** `Retry-After` in seconds or as a date (RFC 9110 §10.2.3), in milliseconds; undefined where it says nothing usable. */
function retryAfterMs(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

function problemOf(text: string): ProblemDocument {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function isRetryable(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** `fetch` says what is wrong one level deeper. */
function causeOf({ message, cause }: Error): string {
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}
