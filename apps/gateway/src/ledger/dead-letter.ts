import { type Append, CONTROL_TOPICS, type StoredEvent } from '@heddle/event';

/** An event that a queue gave up on, on its way to `heddle.dead-letters`. */
export interface DeadLetter {
  /** Its attributes and bytes are kept as they are. */
  event: StoredEvent;
  tenant: string;
  queue: string;
  uuid: string;
  /** Empty for the first passage of an event. */
  cycle: string;
  /** One line a person can act on. */
  reason: string;
  /** A stable word for the reason: `exhausted`, `too-old`, `rejected`, `gone`, … */
  code: string;
  attempts: number;
  /** What the receiver answered last; cut to 1 KiB. */
  lastAnswer?: string;
  /** When the first attempt began, in milliseconds since the epoch. */
  firstAt?: number;
}

const MAX_REASON = 2000;
const MAX_ANSWER = 1024;

/** The names of the notes are those that the groups of services write, too; those have `heddle-group` for a queue. */
export function deadLetterAppend(letter: DeadLetter): Append {
  const { event } = letter;
  return {
    topic: CONTROL_TOPICS.deadLetters,
    key: event.key,
    event: { attributes: event.attributes, value: event.value },
    notes: {
      'heddle-reason': letter.reason.slice(0, MAX_REASON),
      'heddle-code': letter.code,
      'heddle-tenant': letter.tenant,
      'heddle-queue': letter.queue,
      'heddle-queue-uuid': letter.uuid,
      'heddle-attempts': String(letter.attempts),
      'heddle-topic': event.topic,
      'heddle-partition': String(event.partition),
      'heddle-offset': String(event.offset),
      ...(letter.cycle === '' ? {} : { 'heddle-cycle': letter.cycle }),
      ...(letter.firstAt === undefined ? {} : { 'heddle-first-at': String(letter.firstAt) }),
      ...(letter.lastAnswer === undefined ? {} : { 'heddle-last-answer': letter.lastAnswer.slice(0, MAX_ANSWER) }),
    },
  };
}

/**
 * The letter without the bytes of its event: for one that is so large that it does not fit with its notes. The event
 * itself stays where it was appended, and the notes say where.
 */
export function withoutBytes(append: Append): Append {
  const notes = { ...append.notes, 'heddle-bytes': 'at-origin' };
  return {
    ...append,
    event: {
      attributes: { ...append.event.attributes, datacontenttype: 'application/json' },
      value: Buffer.from('null'),
    },
    notes,
  };
}
