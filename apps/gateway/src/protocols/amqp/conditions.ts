import { type ErrorCode, HeddleError } from '@heddle/event';
import type { AmqpError } from './delivery-state.js';

/** The conditions of part 2, section 2.8.15 on, as far as they are said here. */
const CONDITIONS: Partial<Record<ErrorCode, string>> = {
  'attribute-invalid': 'amqp:invalid-field',
  'body-invalid': 'amqp:decode-error',
  'too-complex': 'amqp:decode-error',
  'frame-invalid': 'amqp:decode-error',
  'data-invalid': 'amqp:decode-error',
  'parameter-invalid': 'amqp:invalid-field',
  'not-implemented': 'amqp:not-implemented',
  'content-type-unsupported': 'amqp:not-implemented',
  'encoding-unsupported': 'amqp:not-implemented',
  'token-missing': 'amqp:unauthorized-access',
  'token-invalid': 'amqp:unauthorized-access',
  'permission-missing': 'amqp:not-allowed',
  'type-owned': 'amqp:not-allowed',
  'origin-refused': 'amqp:not-allowed',
  'not-found': 'amqp:not-found',
  'type-unknown': 'amqp:not-found',
  'schema-unknown': 'amqp:not-found',
  'too-large': 'amqp:link:message-size-exceeded',
  'schema-incompatible': 'amqp:precondition-failed',
  'precondition-failed': 'amqp:precondition-failed',
  conflict: 'amqp:resource-locked',
  'quota-exceeded': 'amqp:resource-limit-exceeded',
  'queue-full': 'amqp:resource-limit-exceeded',
  'rate-limited': 'amqp:resource-limit-exceeded',
  'too-many-connections': 'amqp:resource-limit-exceeded',
  busy: 'amqp:resource-limit-exceeded',
  stopping: 'amqp:connection:forced',
};

/** The code of a refusal of ours, as a condition of a delivery that could not be settled. */
export const OWN_CONDITION = 'heddle:';
/** A receiver's word that it will never want this delivery: it is given up at once. */
const GIVEN_UP = new Set([`${OWN_CONDITION}rejected`, 'amqp:decode-error', 'amqp:not-implemented']);

/** An error as AMQP says it; what is not ours keeps its text to itself. */
export function amqpErrorOf(error: unknown): AmqpError {
  if (!(error instanceof HeddleError) || error.code === 'internal') {
    return { condition: 'amqp:internal-error', description: 'See the log of the server.' };
  }
  const condition = CONDITIONS[error.code] ?? 'amqp:internal-error';
  return { condition, description: `${error.code}: ${error.message}` };
}

/** Whether a receiver that rejects with this error says that trying again makes no sense. */
export function isGivenUp(error: AmqpError | undefined): boolean {
  return error !== undefined && GIVEN_UP.has(error.condition);
}

/** One line for the attempts and the dead letter. */
export function reasonOf(error: AmqpError | undefined): string | undefined {
  if (error === undefined) return undefined;
  const { condition, description } = error;
  return description === undefined || description === '' ? condition : description;
}
