/**
 * Dates and times of Avro as ISO 8601 text and back. A number is an `int` or a safe `long`, a bigint any other `long`.
 * Parsing answers with the rule that is broken, as a string; nothing is rounded.
 */
export type Ticks = number | bigint;

const DAY_MS = 86_400_000;
const MAX_DATE_MS = 8.64e15;
const MS_OF_400_YEARS = 146_097 * DAY_MS;
const DATE = /^(\d{4}|[+-]\d{6})-(\d\d)-(\d\d)$/;
const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$/;
const STAMP = /^((?:\d{4}|[+-]\d{6})-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)([Zz]|[+-]\d\d:\d\d)?$/;

export interface TimeUnit {
  /** Ticks in a millisecond. */
  readonly perMs: 1 | 1000;
  readonly places: 3 | 6;
}

export const MILLIS: TimeUnit = { perMs: 1, places: 3 };
export const MICROS: TimeUnit = { perMs: 1000, places: 6 };

export function parseDate(text: string): number | string {
  const ms = dateMs(text);
  return ms === undefined ? 'must be a date, as "2026-01-31"' : ms / DAY_MS;
}

export function formatDate(days: number): string | undefined {
  const ms = days * DAY_MS;
  return Math.abs(ms) > MAX_DATE_MS ? undefined : isoDate(ms);
}

export function parseTime(text: string, unit: TimeUnit): number | string {
  const ticks = timeTicks(text, unit);
  return typeof ticks === 'number' ? ticks : (ticks ?? 'must be a time, as "23:59:59.999"');
}

export function formatTime(ticks: number, unit: TimeUnit): string | undefined {
  if (ticks < 0 || ticks >= DAY_MS * unit.perMs) return undefined;
  const ms = Math.floor(ticks / unit.perMs);
  return new Date(ms).toISOString().slice(11, 23) + fractionBelowMs(ticks - ms * unit.perMs, unit);
}

/** An instant carries its offset (`Z` or `+02:00`); a local time has none. */
export function parseTimestamp(text: string, unit: TimeUnit, local: boolean): Ticks | string {
  const match = STAMP.exec(text);
  const rule = `must be a timestamp ${local ? 'without' : 'with'} an offset, as "2026-01-31T23:59:59.999${local ? '' : 'Z'}"`;
  if (match === null || (match[3] === undefined) !== local) return rule;
  const day = dateMs(match[1] ?? '');
  const time = timeTicks(match[2] ?? '', unit);
  if (day === undefined || time === undefined) return rule;
  if (typeof time === 'string') return time;
  const startMs = day - offsetMs(match[3]);
  if (Number.isNaN(startMs)) return rule;
  // The fraction below a millisecond cannot bring a whole one past the last there is.
  if (Math.abs(startMs + Math.floor(time / unit.perMs)) > MAX_DATE_MS) return rule;
  return unit.perMs === 1 ? startMs + time : narrow(BigInt(startMs) * 1000n + BigInt(time));
}

export function formatTimestamp(ticks: Ticks, unit: TimeUnit, local: boolean): string | undefined {
  let ms: number;
  let below = 0;
  if (unit.perMs === 1) {
    ms = Number(ticks);
  } else {
    const exact = BigInt(ticks);
    const micros = ((exact % 1000n) + 1000n) % 1000n;
    ms = Number((exact - micros) / 1000n);
    below = Number(micros);
  }
  if (!(Math.abs(ms) <= MAX_DATE_MS)) return undefined;
  const iso = isoOf(ms);
  if (unit.perMs === 1 && !local) return iso;
  return iso.slice(0, -1) + fractionBelowMs(below, unit) + (local ? '' : 'Z');
}

/** A bigint only where a number would not be exact. */
export function narrow(value: bigint): Ticks {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

function dateMs(text: string): number | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  // Date.UTC takes 0 to 99 for 1900 to 1999; the calendar repeats every 400 years.
  const isShort = year >= 0 && year < 100;
  const ms = isShort ? Date.UTC(year + 400, month - 1, day) - MS_OF_400_YEARS : Date.UTC(year, month - 1, day);
  if (Number.isNaN(ms)) return undefined;
  // A day that does not exist would have rolled over into the next month.
  return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month) ? ms : undefined;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function timeTicks(text: string, unit: TimeUnit): number | string | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [hour, minute, second] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const fraction = match[4] ?? '';
  if (!/^0*$/.test(fraction.slice(unit.places)))
    return `must have at most ${unit.places} digits of a second's fraction`;
  const whole = (hour * 3600 + minute * 60 + second) * 1000 * unit.perMs;
  return whole + Number(fraction.slice(0, unit.places).padEnd(unit.places, '0'));
}

function offsetMs(offset: string | undefined): number {
  if (offset === undefined || offset === 'Z' || offset === 'z') return 0;
  const [hours, minutes] = [Number(offset.slice(1, 3)), Number(offset.slice(4, 6))];
  if (hours > 23 || minutes > 59) return Number.NaN;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/**
 * Texts of moments that came lately, each in the place its number says: events that follow one another are of the same
 * days and minutes, and `Date` takes ten times as long.
 */
class Texts {
  readonly #numbers = new Float64Array(256).fill(Number.NaN);
  readonly #texts: string[] = Array.from({ length: 256 }, () => '');

  constructor(private readonly make: (number: number) => string) {}

  of(number: number): string {
    const place = number & 255;
    if (this.#numbers[place] !== number) {
      this.#texts[place] = this.make(number);
      this.#numbers[place] = number;
    }
    return this.#texts[place] as string;
  }
}

const MINUTE_MS = 60_000;
const days = new Texts((day) => {
  const iso = new Date(day * DAY_MS).toISOString();
  return iso.slice(0, iso.indexOf('T'));
});
/** `2026-01-31T12:00:` */
const minutes = new Texts((minute) => new Date(minute * MINUTE_MS).toISOString().slice(0, -'00.000Z'.length));
const SECONDS = Array.from({ length: 60 }, (_, n) => `${String(n).padStart(2, '0')}.`);
const MILLISECONDS = Array.from({ length: 1000 }, (_, n) => `${String(n).padStart(3, '0')}Z`);

function isoDate(ms: number): string {
  return days.of(ms / DAY_MS);
}

/** As `Date.toISOString`. */
function isoOf(ms: number): string {
  const minute = Math.floor(ms / MINUTE_MS);
  const below = ms - minute * MINUTE_MS;
  const second = Math.floor(below / 1000);
  return minutes.of(minute) + SECONDS[second] + MILLISECONDS[below - second * 1000];
}

function fractionBelowMs(below: number, unit: TimeUnit): string {
  return unit.perMs === 1 ? '' : String(below).padStart(3, '0');
}
