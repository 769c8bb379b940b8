import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { FILES, SOURCES } from './tree.js';

/** Names that say where something was put instead of what it is. */
const EMPTY_NAMES = new Set(
  (
    'util utils helper helpers common shared misc core base types interfaces dto dtos enums constants impl ' +
    'manager managers'
  ).split(' '),
);

/** What may stand between a name and its ending. */
const ROLES = new Set(
  (
    'controller service repository module settings shape protocol filter step connection frames reactions store contract ' +
    'openapi setup config generated broker e2e crash test'
  ).split(' '),
);

/** Names that tools prescribe, and those of documents. */
const GIVEN_NAMES =
  /^(README|ARCHITECTURE|CONTRIBUTING|CHANGELOG|SECURITY)\.md$|^(LICENSE|Dockerfile)$|^\.|\.avsc$|\.java$|^tsconfig\.[a-z]+\.json$/;
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*$/;

const folders = [
  ...new Set(
    FILES.flatMap((file) =>
      file
        .split('/')
        .slice(0, -1)
        .map((name) => name),
    ),
  ),
];

it('no file and no folder is named after nothing but its being there', () => {
  const empty = FILES.filter((file) => file.split('/').some((part) => EMPTY_NAMES.has(part.split('.', 1)[0] ?? '')));
  expect(empty).toEqual([]);
});

it('files and folders are written in kebab case', () => {
  expect(folders.filter((name) => !KEBAB.test(name.replace(/^\./, '')))).toEqual([]);
  const names = FILES.filter((file) => !GIVEN_NAMES.test(basename(file)));
  expect(names.filter((file) => !KEBAB.test(basename(file).split('.', 1)[0] ?? ''))).toEqual([]);
});

it('a suffix of a source file says a role that means something here', () => {
  const wrong = SOURCES.filter((file) => !basename(file).startsWith('.')).filter((file) =>
    basename(file)
      .split('.')
      .slice(1, -1)
      .some((role) => !ROLES.has(role)),
  );
  expect(wrong).toEqual([]);
});

it('a schema file is named like the record it declares', () => {
  const schemas = FILES.filter((file) => file.endsWith('.avsc'));
  expect(schemas.length).toBeGreaterThan(0);
  expect(schemas.filter((file) => !/^(examples\/)?schemas\/[a-z-]+\/[A-Z][A-Za-z]+\.avsc$/.test(file))).toEqual([]);
});
