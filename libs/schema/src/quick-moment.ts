/*
 * Dates and instants in the one spelling that nearly all of them have, digit by digit. Undefined is no verdict: any other
 * spelling, and whatever is wrong, is for `moment.ts`.
 */

const DAY_MS = 86_400_000;
const [DASH, COLON, POINT, T, Z] = ['-', ':', '.', 'T', 'Z'].map((mark) => mark.charCodeAt(0));

/** `2026-01-31T12:00:00.000Z` in milliseconds since the epoch. */
export function quickInstant(text: string): number | undefined {
  if (text.length !== 24) return undefined;
  const days = daysOf(text);
  if (days === undefined) return undefined;
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  const tens = twoDigits(text, 20);
  const ones = text.charCodeAt(22) - 48;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return undefined;
  if (tens < 0 || ones < 0 || ones > 9) return undefined;
  if (text.charCodeAt(10) !== T || text.charCodeAt(13) !== COLON || text.charCodeAt(16) !== COLON) return undefined;
  if (text.charCodeAt(19) !== POINT || text.charCodeAt(23) !== Z) return undefined;
  return days * DAY_MS + (hour * 3600 + minute * 60 + second) * 1000 + tens * 10 + ones;
}

/** `2026-01-31` in days since the epoch. */
export function quickDate(text: string): number | undefined {
  return text.length === 10 ? daysOf(text) : undefined;
}

/** The date that a text begins with, from the year 100 on. */
function daysOf(text: string): number | undefined {
  const century = twoDigits(text, 0);
  const rest = twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  if (century < 1 || rest < 0 || month < 1 || month > 12 || day < 1) return undefined;
  if (text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH) return undefined;
  const year = century * 100 + rest;
  // Whether the month has such a day is asked of few.
  if (day > 28 && day > daysIn(year, month)) return undefined;
  // Years from March on, so that the day of leap years comes last.
  const ofMarch = month > 2 ? year : year - 1;
  const monthOfMarch = month > 2 ? month - 3 : month + 9;
  const dayOfYear = Math.floor((153 * monthOfMarch + 2) / 5) + day - 1;
  const leapDays = Math.floor(ofMarch / 4) - Math.floor(ofMarch / 100) + Math.floor(ofMarch / 400);
  return ofMarch * 365 + leapDays + dayOfYear - 719_468;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Negative where there are not two digits. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}
