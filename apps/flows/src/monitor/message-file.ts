import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** SQLITE_CORRUPT, SQLITE_NOTADB. */
const DAMAGED = new Set([11, 26]);

/**
 * The file of the monitor in a folder; without one it is in memory. A file that is damaged is put aside, so that messages
 * go on: what is still to be done the queue knows.
 */
export function openMessages(
  folder: string | undefined,
  tables: string,
): { db: DatabaseSync; damaged: string | undefined } {
  if (folder === undefined) return { db: prepared(':memory:', tables), damaged: undefined };
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'flows.sqlite');
  try {
    return { db: prepared(file, tables), damaged: undefined };
  } catch (error) {
    if (!DAMAGED.has((error as { errcode?: number }).errcode ?? 0)) throw error;
    const damaged = `${file}.damaged`;
    for (const part of ['', '-wal', '-shm']) if (existsSync(file + part)) renameSync(file + part, damaged + part);
    return { db: prepared(file, tables), damaged };
  }
}

function prepared(file: string, tables: string): DatabaseSync {
  const db = new DatabaseSync(file);
  try {
    // Written through to the system at every change, so that it survives the end of this process; not of the machine.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
    const check = db.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
    if (check.quick_check !== 'ok') throw Object.assign(new Error(check.quick_check), { errcode: 11 });
    db.exec(tables);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
