import { HeddleError } from '@heddle/event';

interface KafkaError extends Error {
  type?: string;
  retriable?: boolean;
  cause?: unknown;
  errors?: readonly unknown[];
}

const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);
/** Answers that the same record will always get. */
const HOPELESS = new Set(['INVALID_RECORD', 'CORRUPT_MESSAGE', 'INVALID_TIMESTAMP', 'INVALID_TOPIC_EXCEPTION']);

/** The protocol's name of what went wrong (`MESSAGE_TOO_LARGE`), below whatever kafkajs wrapped around it. */
export function kafkaErrorType(error: unknown): string | undefined {
  for (let at = error as KafkaError | undefined, depth = 0; at instanceof Error && depth < 5; depth += 1) {
    if (typeof at.type === 'string') return at.type;
    at = (at.cause ?? at.errors?.[0]) as KafkaError | undefined;
  }
  return undefined;
}

/** The error as ours: `too-large`, `internal` for what can never succeed, `log-unavailable` for all else. */
export function heddleErrorOf(error: unknown): HeddleError {
  if (error instanceof HeddleError) return error;
  const type = kafkaErrorType(error);
  const name = type ?? (error instanceof Error ? error.name : 'unknown');
  if (type !== undefined && TOO_LARGE.has(type)) {
    return new HeddleError('too-large', 'The event is larger than its topic allows.', { cause: error });
  }
  if (type !== undefined && HOPELESS.has(type)) {
    return new HeddleError('internal', `The event log refused the record (${type}).`, { cause: error });
  }
  return new HeddleError('log-unavailable', `The event log did not confirm in time (${name}).`, {
    cause: error,
    retryAfterSeconds: 1,
  });
}
