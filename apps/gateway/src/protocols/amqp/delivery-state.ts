import { type AmqpMap, type AmqpValue, DescribedValue, unreadable } from './amqp-value.js';
import type { AmqpWriter } from './amqp-writer.js';

/** Why a link, session or connection ends, or a message is refused (part 2, section 2.8.14). */
export interface AmqpError {
  condition: string;
  description: string | undefined;
}

/** What somebody says of a delivery (part 3, section 3.4). */
export type DeliveryState =
  | { outcome: 'received' }
  | { outcome: 'accepted' }
  | { outcome: 'rejected'; error: AmqpError | undefined }
  | { outcome: 'released' }
  | {
      outcome: 'modified';
      failed: boolean;
      /** Not to be delivered to this receiver again. */
      isUndeliverable: boolean;
      annotations: AmqpMap | undefined;
    }
  /** Of a transaction, or of nobody. */
  | { outcome: 'unknown' };

export const ACCEPTED: DeliveryState = { outcome: 'accepted' };
export const RELEASED: DeliveryState = { outcome: 'released' };

const OUTCOMES: ReadonlyMap<AmqpValue, DeliveryState['outcome']> = new Map<AmqpValue, DeliveryState['outcome']>([
  [0x23, 'received'],
  ['amqp:received:list', 'received'],
  [0x24, 'accepted'],
  ['amqp:accepted:list', 'accepted'],
  [0x25, 'rejected'],
  ['amqp:rejected:list', 'rejected'],
  [0x26, 'released'],
  ['amqp:released:list', 'released'],
  [0x27, 'modified'],
  ['amqp:modified:list', 'modified'],
]);
const MAX_TEXT = 1024;

/** @throws HeddleError `frame-invalid` */
export function stateFrom(value: AmqpValue): DeliveryState | undefined {
  if (value === null) return undefined;
  if (!(value instanceof DescribedValue) || !Array.isArray(value.value)) throw unreadable('a state is no list');
  const outcome = OUTCOMES.get(value.descriptor) ?? 'unknown';
  const [first = null, second = null, third = null] = value.value;
  switch (outcome) {
    case 'accepted':
      return ACCEPTED;
    case 'released':
      return RELEASED;
    case 'rejected':
      return { outcome, error: errorFrom(first) };
    case 'modified':
      return {
        outcome,
        failed: first === true,
        isUndeliverable: second === true,
        annotations: third instanceof Map ? third : undefined,
      };
    default:
      return { outcome };
  }
}

/** @throws HeddleError `frame-invalid` */
export function errorFrom(value: AmqpValue): AmqpError | undefined {
  if (value === null) return undefined;
  if (!(value instanceof DescribedValue) || !Array.isArray(value.value)) throw unreadable('an error is no list');
  const [condition, description] = value.value;
  if (typeof condition !== 'string') throw unreadable('an error has no condition');
  return {
    condition: condition.slice(0, MAX_TEXT),
    description: typeof description === 'string' ? description.slice(0, MAX_TEXT) : undefined,
  };
}

export function writeState(writer: AmqpWriter, state: DeliveryState, maxText = MAX_TEXT): void {
  switch (state.outcome) {
    case 'accepted':
      writer.described(0x24).end(writer.beginList(), 0);
      return;
    case 'released':
      writer.described(0x26).end(writer.beginList(), 0);
      return;
    case 'rejected': {
      const list = writer.described(0x25).beginList();
      writeError(writer, state.error, maxText);
      writer.end(list, 1);
      return;
    }
    case 'modified': {
      const list = writer.described(0x27).beginList();
      writer.boolean(state.failed);
      writer.boolean(state.isUndeliverable);
      writer.end(list, 2);
      return;
    }
    default:
      writer.null();
  }
}

/** @param maxText characters of the description at most */
export function writeError(writer: AmqpWriter, error: AmqpError | undefined, maxText = MAX_TEXT): void {
  if (error === undefined) return writer.null();
  const list = writer.described(0x1d).beginList();
  writer.symbol(error.condition);
  writer.string(error.description?.slice(0, maxText));
  writer.end(list, 2);
}
