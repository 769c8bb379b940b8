import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The checkout. */
const ROOT = resolve(import.meta.dirname, '../../..');

/** Every file of the project, as paths from its root: what is tracked, and what is about to be. */
export const FILES: readonly string[] = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '-z'],
  { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
)
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)))
  .toSorted();

/** Code written by hand. */
export const SOURCES: readonly string[] = FILES.filter(
  (path) => /\.(ts|mts|mjs|cjs)$/.test(path) && !path.endsWith('.generated.ts'),
);

/** The business objects that have a service of their own: every app that owns schemas. */
export const BUSINESS_OBJECTS: readonly string[] = foldersIn('apps').filter((app) => existsSync(path('schemas', app)));

export function path(...parts: string[]): string {
  return join(ROOT, ...parts);
}

export function read(file: string): string {
  return readFileSync(path(file), 'utf8');
}

/** The folders directly inside a folder that hold files of the project. */
export function foldersIn(folder: string): string[] {
  const inside = FILES.filter((file) => file.startsWith(`${folder}/`)).map((file) => file.slice(folder.length + 1));
  return [...new Set(inside.filter((file) => file.includes('/')).map((file) => file.split('/', 1)[0] ?? ''))];
}

/** The files directly inside a folder, without it. */
export function filesIn(folder: string): string[] {
  return readdirSync(path(folder), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .toSorted();
}

/** `file:line` of every line of a file that a pattern matches. */
export function linesOf(file: string, pattern: RegExp): string[] {
  return read(file)
    .split('\n')
    .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}`] : []));
}
