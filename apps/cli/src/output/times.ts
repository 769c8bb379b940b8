import { HeddleError } from '@heddle/event';

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `12 ms`, `3.4 s`, `5 min`, `2.5 h`, `3 d` */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${rounded(ms / 1000)} s`;
  if (ms < 3_600_000) return `${rounded(ms / 60_000)} min`;
  if (ms < 86_400_000) return `${rounded(ms / 3_600_000)} h`;
  return `${rounded(ms / 86_400_000)} d`;
}

/** `12:00:01.234`, in UTC, as all times of the mesh are. */
export function clockTime(at: string | number): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? String(at) : time.toISOString().slice(11, 23);
}

/**
 * A time as a person gives it: RFC 3339, a date, or so long ago (`10m`, `2h`, `1d`).
 *
 * @throws HeddleError `command-invalid`
 */
export function timeOf(text: string, now = Date.now()): string {
  const ago = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text);
  if (ago !== null) return new Date(now - Number(ago[1]) * (UNITS_MS[ago[2] ?? ''] ?? 0)).toISOString();
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? new Date(text) : new Date(Number.NaN);
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  throw new HeddleError(
    'command-invalid',
    `${text} is no time: use 2026-01-31T12:00:00Z, 2026-01-31, or how long ago, as 10m, 2h or 1d.`,
  );
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
