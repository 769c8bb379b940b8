import { type AmqpMap, AmqpReader, type AmqpValue, DescribedValue, unreadable } from './amqp-value.js';
import { type AmqpError, type DeliveryState, errorFrom, stateFrom } from './delivery-state.js';

/** Where messages of a link come from, or go to, as its client asks. */
export interface Terminus {
  address: string | undefined;
  durable: number;
  dynamic: boolean;
  /** Of a source. */
  distributionMode: string | undefined;
  hasFilter: boolean;
  defaultOutcome: DeliveryState | undefined;
  capabilities: readonly string[];
}

export interface Attach {
  kind: 'attach';
  name: string;
  handle: number;
  /** The role of who says it. */
  isReceiver: boolean;
  sndSettleMode: number;
  rcvSettleMode: number;
  source: Terminus | undefined;
  target: Terminus | 'coordinator' | undefined;
  initialDeliveryCount: number;
  /** Bytes of a message that who says it takes; 0 for any. */
  maxMessageSize: number;
  properties: ReadonlyMap<string, AmqpValue>;
}

export interface Flow {
  kind: 'flow';
  nextIncomingId: number | undefined;
  incomingWindow: number;
  nextOutgoingId: number;
  outgoingWindow: number;
  handle: number | undefined;
  deliveryCount: number | undefined;
  linkCredit: number | undefined;
  drain: boolean;
  echo: boolean;
}

export interface Transfer {
  kind: 'transfer';
  handle: number;
  deliveryId: number | undefined;
  messageFormat: number;
  settled: boolean;
  more: boolean;
  /** Of a delivery that is part of a transaction, say. */
  state: DeliveryState | undefined;
  aborted: boolean;
}

export interface Disposition {
  kind: 'disposition';
  isReceiver: boolean;
  first: number;
  last: number;
  settled: boolean;
  state: DeliveryState | undefined;
}

/** What a client says (part 2, section 2.7, and part 5, section 5.3.3). */
export type Performative =
  | {
      kind: 'open';
      containerId: string;
      maxFrameSize: number;
      channelMax: number;
      idleTimeoutMs: number | undefined;
    }
  | { kind: 'begin'; nextOutgoingId: number; incomingWindow: number; outgoingWindow: number; handleMax: number }
  | Attach
  | Flow
  | Transfer
  | Disposition
  | { kind: 'detach'; handle: number; closed: boolean; error: AmqpError | undefined }
  | { kind: 'end'; error: AmqpError | undefined }
  | { kind: 'close'; error: AmqpError | undefined }
  | { kind: 'sasl-init'; mechanism: string; response: Buffer | undefined }
  | { kind: 'sasl-response'; response: Buffer };

const MAX_UINT = 0xffff_ffff;
const MAX_USHORT = 0xffff;
const CODES: Readonly<Record<string, number>> = {
  'amqp:open:list': 0x10,
  'amqp:begin:list': 0x11,
  'amqp:attach:list': 0x12,
  'amqp:flow:list': 0x13,
  'amqp:transfer:list': 0x14,
  'amqp:disposition:list': 0x15,
  'amqp:detach:list': 0x16,
  'amqp:end:list': 0x17,
  'amqp:close:list': 0x18,
  'amqp:sasl-init:list': 0x41,
  'amqp:sasl-response:list': 0x43,
};

/**
 * Reads what a frame says, and what it carries behind that.
 *
 * @throws HeddleError `frame-invalid`
 */
export function readPerformative(body: Buffer): { said: Performative; payload: Buffer } {
  const reader = new AmqpReader(body);
  const value = reader.value();
  if (!(value instanceof DescribedValue) || !Array.isArray(value.value)) throw unreadable('a frame says nothing');
  const { descriptor } = value;
  const code = typeof descriptor === 'string' && Object.hasOwn(CODES, descriptor) ? CODES[descriptor] : descriptor;
  return { said: ofCode(code, new Fields(value.value)), payload: reader.rest };
}

function ofCode(code: AmqpValue | undefined, fields: Fields): Performative {
  switch (code) {
    case 0x10:
      return {
        kind: 'open',
        containerId: fields.needed(0, fields.string(0)),
        maxFrameSize: fields.uint(2) ?? MAX_UINT,
        channelMax: fields.uint(3) ?? MAX_USHORT,
        idleTimeoutMs: fields.uint(4),
      };
    case 0x11:
      return {
        kind: 'begin',
        nextOutgoingId: fields.needed(1, fields.uint(1)),
        incomingWindow: fields.needed(2, fields.uint(2)),
        outgoingWindow: fields.needed(3, fields.uint(3)),
        handleMax: fields.uint(4) ?? MAX_UINT,
      };
    case 0x12:
      return attachFrom(fields);
    case 0x13:
      return {
        kind: 'flow',
        nextIncomingId: fields.uint(0),
        incomingWindow: fields.needed(1, fields.uint(1)),
        nextOutgoingId: fields.needed(2, fields.uint(2)),
        outgoingWindow: fields.needed(3, fields.uint(3)),
        handle: fields.uint(4),
        deliveryCount: fields.uint(5),
        linkCredit: fields.uint(6),
        drain: fields.boolean(8) ?? false,
        echo: fields.boolean(9) ?? false,
      };
    case 0x14:
      return {
        kind: 'transfer',
        handle: fields.needed(0, fields.uint(0)),
        deliveryId: fields.uint(1),
        messageFormat: fields.uint(3) ?? 0,
        settled: fields.boolean(4) ?? false,
        more: fields.boolean(5) ?? false,
        state: stateFrom(fields.at(7)),
        aborted: fields.boolean(9) ?? false,
      };
    case 0x15: {
      const first = fields.needed(1, fields.uint(1));
      return {
        kind: 'disposition',
        isReceiver: fields.needed(0, fields.boolean(0)),
        first,
        last: fields.uint(2) ?? first,
        settled: fields.boolean(3) ?? false,
        state: stateFrom(fields.at(4)),
      };
    }
    case 0x16:
      return {
        kind: 'detach',
        handle: fields.needed(0, fields.uint(0)),
        closed: fields.boolean(1) ?? false,
        error: errorFrom(fields.at(2)),
      };
    case 0x17:
      return { kind: 'end', error: errorFrom(fields.at(0)) };
    case 0x18:
      return { kind: 'close', error: errorFrom(fields.at(0)) };
    case 0x41:
      return { kind: 'sasl-init', mechanism: fields.needed(0, fields.string(0)), response: fields.binary(1) };
    case 0x43:
      return { kind: 'sasl-response', response: fields.needed(0, fields.binary(0)) };
    default:
      throw unreadable('a frame says what nobody knows here');
  }
}

function attachFrom(fields: Fields): Attach {
  return {
    kind: 'attach',
    name: fields.needed(0, fields.string(0)),
    handle: fields.needed(1, fields.uint(1)),
    isReceiver: fields.needed(2, fields.boolean(2)),
    sndSettleMode: fields.uint(3) ?? 2,
    rcvSettleMode: fields.uint(4) ?? 0,
    source: sourceFrom(fields.at(5)),
    target: targetFrom(fields.at(6)),
    initialDeliveryCount: fields.uint(9) ?? 0,
    maxMessageSize: fields.uint(10) ?? 0,
    properties: namesOf(fields.at(13)),
  };
}

function sourceFrom(value: AmqpValue): Terminus | undefined {
  const fields = fieldsOf(value);
  if (fields === undefined) return undefined;
  const filter = fields.at(7);
  return {
    ...terminusFrom(fields),
    distributionMode: fields.string(6),
    hasFilter: filter instanceof Map && filter.size > 0,
    defaultOutcome: stateFrom(fields.at(8)),
    capabilities: namesFrom(fields.at(10)),
  };
}

function targetFrom(value: AmqpValue): Terminus | 'coordinator' | undefined {
  if (value instanceof DescribedValue && (value.descriptor === 0x30 || value.descriptor === 'amqp:coordinator:list')) {
    return 'coordinator';
  }
  const fields = fieldsOf(value);
  if (fields === undefined) return undefined;
  return {
    ...terminusFrom(fields),
    distributionMode: undefined,
    hasFilter: false,
    defaultOutcome: undefined,
    capabilities: namesFrom(fields.at(6)),
  };
}

function terminusFrom(fields: Fields): Pick<Terminus, 'address' | 'durable' | 'dynamic'> {
  return {
    address: fields.string(0),
    durable: fields.uint(1) ?? 0,
    dynamic: fields.boolean(4) ?? false,
  };
}

function fieldsOf(value: AmqpValue): Fields | undefined {
  if (value === null) return undefined;
  if (!(value instanceof DescribedValue) || !Array.isArray(value.value)) {
    throw unreadable('a source or target is no list');
  }
  return new Fields(value.value);
}

/** One symbol, or an array of them. */
function namesFrom(value: AmqpValue): string[] {
  const values = Array.isArray(value) ? value : [value];
  return values.filter((name) => typeof name === 'string');
}

function namesOf(value: AmqpValue): Map<string, AmqpValue> {
  const names = new Map<string, AmqpValue>();
  if (!(value instanceof Map)) return names;
  for (const [name, entry] of value as AmqpMap) if (typeof name === 'string') names.set(name, entry);
  return names;
}

/** The fields of a list by their places; those at its end may be missing. */
export class Fields {
  constructor(private readonly values: readonly AmqpValue[]) {}

  at(index: number): AmqpValue {
    return this.values[index] ?? null;
  }

  uint(index: number): number | undefined {
    const value = this.at(index);
    if (value === null) return undefined;
    if (typeof value === 'bigint') return MAX_UINT;
    if (typeof value !== 'number' || value < 0 || !Number.isInteger(value))
      throw unreadable(`field ${index} is no unsigned number`);
    return value;
  }

  boolean(index: number): boolean | undefined {
    const value = this.at(index);
    if (value === null) return undefined;
    if (typeof value !== 'boolean') throw unreadable(`field ${index} is no boolean`);
    return value;
  }

  string(index: number): string | undefined {
    const value = this.at(index);
    if (value === null) return undefined;
    if (typeof value !== 'string') throw unreadable(`field ${index} is no text`);
    return value;
  }

  binary(index: number): Buffer | undefined {
    const value = this.at(index);
    if (value === null) return undefined;
    if (!Buffer.isBuffer(value)) throw unreadable(`field ${index} is no binary`);
    return value;
  }

  needed<T>(index: number, value: T | undefined): T {
    if (value === undefined) throw unreadable(`field ${index} is missing`);
    return value;
  }
}
