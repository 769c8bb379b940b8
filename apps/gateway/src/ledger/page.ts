import type { SQLInputValue } from 'node:sqlite';
import type { IndexedUpTo } from './timeline-index.js';

/** A condition of a query, with the values it needs. */
export interface Where {
  sql: string[];
  values: SQLInputValue[];
}

export interface Page {
  since?: string | undefined;
  until?: string | undefined;
  cursor?: string | undefined;
  limit: number;
}

/**
 * The newest first, those of one time in falling order of the columns given: a page goes on after the last row of the
 * one before, whatever was added meanwhile.
 */
export function pageWhere({ since, until, cursor }: Page, columns: readonly string[]): Where {
  const where: Where = { sql: [], values: [] };
  if (since !== undefined) add(where, 'at >= ?', Date.parse(since));
  if (until !== undefined) add(where, 'at < ?', Date.parse(until));
  if (cursor !== undefined) {
    const values = cursor.split('.').map(Number);
    const names = ['at', ...columns];
    add(where, `(${names.join(', ')}) < (${names.map(() => '?').join(', ')})`, ...names.map((_, n) => values[n] ?? 0));
  }
  return where;
}

export function add(where: Where, sql: string, ...values: SQLInputValue[]): void {
  where.sql.push(sql);
  where.values.push(...values);
}

/** `WHERE …`, or nothing. */
export function whereSql({ sql }: Where): string {
  return sql.length === 0 ? '' : `WHERE ${sql.join(' AND ')}`;
}

/** A list as it is answered: one row more than the page was read to know whether there is a next one. */
export function paged<Row, View>(
  rows: readonly Row[],
  limit: number,
  cursorOf: (row: Row) => readonly number[],
  view: (row: Row) => View,
): { views: View[]; next?: string } {
  const views = rows.slice(0, limit).map(view);
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return last === undefined ? { views } : { views, next: cursorOf(last).join('.') };
}

/** Pages of rows that are read for one of those that somebody may see. */
const MAX_PAGES = 20;

/**
 * A page of the rows that somebody may see. What may not be seen is passed over; where there is too much of that, the
 * page is shorter, and goes on where this one ended looking.
 *
 * @param read a page of rows, and one more than its limit when there are more
 */
export async function pageSeen<Row>(
  page: Page,
  read: (page: Page) => Promise<Row[]>,
  cursorOf: (row: Row) => readonly number[],
  sees: (row: Row) => boolean,
): Promise<{ rows: Row[]; next?: string }> {
  const rows: Row[] = [];
  let { cursor } = page;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const found = await read({ ...page, cursor });
    for (const row of found) {
      if (rows.length === page.limit) return cursor === undefined ? { rows } : { rows, next: cursor };
      cursor = cursorOf(row).join('.');
      if (sees(row)) rows.push(row);
    }
    if (found.length <= page.limit) return { rows };
  }
  return cursor === undefined ? { rows } : { rows, next: cursor };
}

export function progressOf({ at, isComplete }: IndexedUpTo): { indexedUpTo: string; partial: boolean } {
  return { indexedUpTo: isoTime(at), partial: !isComplete };
}

export function isoTime(at: number): string {
  return new Date(at).toISOString();
}
