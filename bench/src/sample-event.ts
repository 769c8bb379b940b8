/** The type of the events that are published and raised here: anyone may publish it, although it has an owner. */
export const EVENT_TYPE = 'heddle.contract.v1.Contract.DraftCreated.v1';
export const EVENT_TOPIC = 'contract';
export const EVENT_SOURCE = '/bench';

/** Digits of both parts of the ids, and of the business keys after their letter. */
const MICROS_DIGITS = 16;
const NUMBER_DIGITS = 9;
const KEY_DIGITS = 6;

/** The id of an event says when it was made and the how manieth it is, so that a sink needs nothing else. */
export function stampedId(micros: number, number: number): string {
  return `${String(micros).padStart(MICROS_DIGITS, '0')}-${String(number).padStart(NUMBER_DIGITS, '0')}`;
}

/** The business key with a number. */
export function keyOf(number: number): string {
  return `C-${String(number).padStart(KEY_DIGITS, '0')}`;
}

/** The data of an event, in JSON form. */
export function eventData(key: string, remark = ''): Record<string, unknown> {
  return {
    Contract: key,
    Title: 'Supply of bearings',
    Counterparty: '1000667',
    NetAmount: '125000.000',
    Currency: 'EUR',
    ValidFrom: '2026-04-01',
    ValidTo: null,
    Kind: 'SALES',
    CreatedAt: '2026-01-31T12:00:00.000Z',
    Remark: remark,
  };
}

/** What the remark must be long for an event to have that many bytes in structured JSON. */
export function remarkFor(bytes: number): string {
  const missing = bytes - Buffer.byteLength(structuredEvent(''));
  if (missing < 0 || missing > 500) throw new RangeError(`An event cannot be made ${bytes} bytes long.`);
  return 'x'.repeat(missing);
}

/** An event of so many bytes as structured JSON, whose id and key are then overwritten in place. */
export function eventTemplate(bytes: number): { json: Buffer; idAt: number; keyAt: number } {
  const json = Buffer.from(structuredEvent(remarkFor(bytes)));
  return {
    json,
    idAt: json.indexOf('"id":"') + '"id":"'.length,
    keyAt: json.indexOf('"Contract":"C-') + '"Contract":"C-'.length,
  };
}

/** Writes a number in decimal digits over what is there. */
function writeDigits(target: Buffer, at: number, digits: number, number: number): void {
  let rest = number;
  for (let index = at + digits - 1; index >= at; index -= 1) {
    target[index] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

/** Writes what {@link stampedId} says. */
export function writeId(target: Buffer, at: number, micros: number, number: number): void {
  writeDigits(target, at, MICROS_DIGITS, micros);
  writeDigits(target, at + MICROS_DIGITS + 1, NUMBER_DIGITS, number);
}

/** Reads an id that was made here. */
export function readId(source: Buffer, at: number): { micros: number; number: number } {
  return {
    micros: readDigits(source, at, MICROS_DIGITS),
    number: readDigits(source, at + MICROS_DIGITS + 1, NUMBER_DIGITS),
  };
}

export function writeKey(target: Buffer, at: number, number: number): void {
  writeDigits(target, at, KEY_DIGITS, number);
}

function readDigits(source: Buffer, at: number, digits: number): number {
  let number = 0;
  for (let index = at; index < at + digits; index += 1) number = number * 10 + (source[index] ?? 0) - 0x30;
  return number;
}

function structuredEvent(remark: string): string {
  return JSON.stringify({
    specversion: '1.0',
    id: stampedId(0, 0),
    source: EVENT_SOURCE,
    type: EVENT_TYPE,
    time: '2026-01-31T12:00:00.000Z',
    data: eventData(keyOf(0), remark),
  });
}
