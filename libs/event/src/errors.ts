/**
 * Every way Heddle says no. The code is stable and public; the status is what HTTP doors answer with; a retryable
 * error may succeed when the same thing is tried again unchanged.
 */
export const ERRORS = {
  'attribute-invalid': { status: 400, retryable: false, title: 'A CloudEvents attribute breaks a rule' },
  'body-invalid': { status: 400, retryable: false, title: 'The body cannot be read' },
  'too-complex': { status: 400, retryable: false, title: 'The JSON is nested too deep, or holds too much' },
  'parameter-invalid': { status: 400, retryable: false, title: 'A parameter breaks a rule' },
  'frame-invalid': { status: 400, retryable: false, title: 'A frame breaks a rule of its protocol' },
  'permission-invalid': { status: 400, retryable: false, title: 'This is no permission' },
  'token-missing': { status: 401, retryable: false, title: 'This needs an access token' },
  'token-invalid': { status: 401, retryable: false, title: 'The access token is not valid' },
  'permission-missing': { status: 403, retryable: false, title: 'The client may not do this' },
  'origin-refused': { status: 403, retryable: false, title: 'Pages of this origin may not connect' },
  'type-owned': { status: 403, retryable: false, title: 'Only the owner of this event type may publish it' },
  'not-found': { status: 404, retryable: false, title: 'There is nothing under this name' },
  'lease-unknown': { status: 404, retryable: false, title: 'The queue has granted no such lease' },
  'type-unknown': { status: 404, retryable: false, title: 'No schema is registered for this event type' },
  'schema-unknown': { status: 404, retryable: false, title: 'The registry has no schema with this id' },
  'request-timeout': { status: 408, retryable: true, title: 'The request did not arrive in time' },
  'method-unsupported': { status: 405, retryable: false, title: 'The path is not answered for this method' },
  conflict: { status: 409, retryable: false, title: 'The object is in a state that does not allow this' },
  'lease-expired': { status: 409, retryable: false, title: 'The lease ran out before it was settled' },
  'lease-lost': { status: 409, retryable: false, title: 'The lease was granted by an earlier owner of the queue' },
  'lease-settled': { status: 409, retryable: false, title: 'The lease was settled in another way before' },
  'queue-unchangeable': { status: 409, retryable: false, title: 'This cannot be changed while the queue exists' },
  'quota-exceeded': { status: 409, retryable: false, title: 'The tenant has as many of these as it may have' },
  'reference-unknown': { status: 409, retryable: true, title: 'An object this one refers to is not known here yet' },
  'schema-incompatible': { status: 409, retryable: false, title: 'The schema is not compatible with its versions' },
  'object-gone': { status: 410, retryable: false, title: 'The object was deleted' },
  'precondition-failed': { status: 412, retryable: false, title: 'The object has changed since it was read' },
  'too-large': { status: 413, retryable: false, title: 'This is larger than allowed' },
  'content-type-unsupported': { status: 415, retryable: false, title: 'This content type cannot be read here' },
  'encoding-unsupported': { status: 415, retryable: false, title: 'This content encoding is not unpacked here' },
  'range-unsatisfiable': { status: 416, retryable: false, title: 'The document has none of these bytes' },
  'data-invalid': { status: 422, retryable: false, title: 'The data does not fit its schema' },
  'receiver-forbidden': { status: 422, retryable: false, title: 'Webhooks may not point there' },
  'filter-invalid': { status: 422, retryable: false, title: 'The filter breaks a rule' },
  'schema-invalid': { status: 422, retryable: false, title: 'The schema breaks a rule' },
  'upgrade-required': { status: 426, retryable: false, title: 'This is answered to a WebSocket only' },
  'precondition-required': { status: 428, retryable: false, title: 'The request must name the version it changes' },
  'rate-limited': { status: 429, retryable: true, title: 'This is more than the rate allows' },
  'too-many-connections': { status: 429, retryable: true, title: 'This is more connections than allowed' },
  'headers-too-large': { status: 431, retryable: false, title: 'The header fields are larger than allowed' },
  internal: { status: 500, retryable: false, title: 'Something went wrong inside' },
  'not-implemented': { status: 501, retryable: false, title: 'This is not offered here' },
  'queue-full': { status: 507, retryable: true, title: 'The queue holds as much as it may' },
  'index-behind': { status: 503, retryable: true, title: 'The index has not read the log that far yet' },
  'log-unavailable': { status: 503, retryable: true, title: 'The event log did not confirm in time' },
  'registry-unavailable': { status: 503, retryable: true, title: 'The schema registry cannot be reached' },
  'issuer-unavailable': { status: 503, retryable: true, title: 'The keys of an issuer of tokens cannot be had' },
  busy: { status: 503, retryable: true, title: 'There is too much to do at once' },
  'store-unavailable': { status: 503, retryable: true, title: 'The database cannot be reached' },
  'object-behind': { status: 503, retryable: true, title: 'The object is not yet at the version asked for' },
  'credentials-unavailable': {
    status: 503,
    retryable: true,
    title: 'The authorization server of a receiver gave no token',
  },
  'owner-unavailable': { status: 503, retryable: true, title: 'The service that owns the object cannot be reached' },
  'secret-unreadable': { status: 503, retryable: true, title: 'A stored secret cannot be opened' },
  'not-appended': { status: 503, retryable: true, title: 'Held back, for an earlier event of its key failed' },
  'queue-elsewhere': { status: 503, retryable: true, title: 'The queue is moving to another instance' },
  'consumer-stalled': { status: 503, retryable: true, title: 'The consumer does not get on' },
  stopping: { status: 503, retryable: true, title: 'The process is stopping' },
  'gateway-unavailable': { status: 503, retryable: true, title: 'The gateway cannot be reached' },
  'command-invalid': { status: 400, retryable: false, title: 'The command line is wrong' },
  'setting-invalid': { status: 500, retryable: false, title: 'A setting is wrong' },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>;

/** The closed list of codes: what clients program against. */
export type ErrorCode = keyof typeof ERRORS;

/** A rule that a field breaks: the rest of a sentence that begins with the field, as `must be at least 1000`. */
export interface FieldRule {
  /** As a path: `data.to_Item.0.Material`; empty where the rule is one of the whole. */
  field: string;
  rule: string;
}

/** What an error says beside its message. */
export interface ErrorDetails {
  /** The field that is wrong, as a path: `data.to_Item.0.Material`, `attributes.subject`. */
  field?: string;
  /** All fields that are wrong, where more than one was found. */
  fields?: readonly FieldRule[];
  /** Seconds after which trying again makes sense. */
  retryAfterSeconds?: number;
  cause?: unknown;
}

/** The one error class. `message` names what is wrong and what to do; foreign errors become this at the edge. */
export class HeddleError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly fields: readonly FieldRule[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'HeddleError';
    this.code = code;
    this.field = details.field ?? details.fields?.[0]?.field;
    this.fields = details.fields;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}

/** The error of a field that breaks a rule, which is its message, too. */
export function fieldInvalid(field: string, rule: string, code: ErrorCode = 'data-invalid'): HeddleError {
  return fieldsInvalid([{ field, rule }], { code });
}

/** As {@link fieldInvalid}, for several at once: the first is the message, and begins with `whole` where it is of no field. */
export function fieldsInvalid(
  fields: readonly FieldRule[],
  { code = 'data-invalid', whole = 'The body' }: { code?: ErrorCode; whole?: string } = {},
): HeddleError {
  const { field, rule } = fields[0] ?? { field: '', rule: 'is not as it must be' };
  const sentence = `${field === '' ? whole : field} ${rule}`;
  return new HeddleError(code, /[.?!]$/.test(sentence) ? sentence : `${sentence}.`, { fields });
}

/** An RFC 9457 problem. `type` is relative to the server that answers; `code` is the stable name to program against. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  retryable: boolean;
  field?: string;
  errors?: readonly FieldRule[];
}

/** The problem document of any error; what is not a `HeddleError` becomes `internal` and keeps its text to itself. */
export function problemOf(error: unknown): Problem {
  const known = error instanceof HeddleError ? error : new HeddleError('internal', 'See the log of the server.');
  return {
    type: `/problems/${known.code}`,
    title: ERRORS[known.code].title,
    status: known.status,
    detail: known.message,
    code: known.code,
    retryable: known.retryable,
    ...(known.field === undefined ? {} : { field: known.field }),
    ...(known.fields === undefined ? {} : { errors: known.fields }),
  };
}
