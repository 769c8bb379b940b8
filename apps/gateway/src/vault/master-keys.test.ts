import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineSettings } from '@heddle/runtime';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { parseMasterKeys } from './master-keys.js';

const KEY = randomBytes(32).toString('base64');
const settings = defineSettings({
  masterKeys: {
    env: 'HEDDLE_MASTER_KEY',
    schema: z.string().default('').transform(parseMasterKeys),
    about: 'keys',
    secret: true,
  },
});

it('several keys are read in their order, from commas, lines and files', () => {
  const two = randomBytes(32).toString('base64');
  expect(read({ HEDDLE_MASTER_KEY: `new:${KEY}, old:${two}` }).names).toEqual(['new', 'old']);
  const file = join(emptyFolder(), 'master-key');
  writeFileSync(file, `2026-05:${KEY}\nold:${two.replace(/=+$/, '')}\n\n`);
  const keys = read({ HEDDLE_MASTER_KEY_FILE: file });
  expect(keys.names).toEqual(['2026-05', 'old']);
  expect(keys.first).toBe('2026-05');
});

it.each([
  ['no name', KEY],
  ['no key', 'main:'],
  ['31 bytes', `main:${randomBytes(31).toString('base64')}`],
  ['33 bytes', `main:${randomBytes(33).toString('base64')}`],
  ['hex', `main:${randomBytes(32).toString('hex')}`],
  ['a character that is not base64', `main:${KEY.slice(0, -2)}!=`],
  ['a second one that is wrong', `main:${KEY},old`],
  ['an empty name', `:${KEY}`],
])('a key with %s stops the start in one line that says how to make one, and shows nothing of it', (_, text) => {
  const problem = problemOf({ HEDDLE_MASTER_KEY: text });
  expect(problem).toMatch(/^HEDDLE_MASTER_KEY must be name:base64 of 32 bytes, and entry [12] is not: make one with /);
  expect(problem).toContain('openssl rand -base64 32');
  expect(problem.split('\n')).toHaveLength(1);
  expect(problem).not.toContain(KEY.slice(0, 20));
});

it('two keys of one name are refused', () => {
  expect(problemOf({ HEDDLE_MASTER_KEY: `main:${KEY},main:${KEY}` })).toContain('two keys named main');
});

it('none at all stops the start, unless npm start has made one in this folder', () => {
  const folder = emptyFolder();
  const before = process.cwd();
  process.chdir(folder);
  onTestFinished(() => process.chdir(before));
  expect(problemOf({})).toMatch(
    /^HEDDLE_MASTER_KEY is missing: put back the one that sealed what is in the log, .* make one with /,
  );
  mkdirSync('.heddle/secrets', { recursive: true });
  writeFileSync('.heddle/secrets/master-key', `main:${KEY}\n`);
  expect(read({}).names).toEqual(['main']);
});

it('keys show nothing of themselves where they are written out', () => {
  expect(JSON.stringify(read({ HEDDLE_MASTER_KEY: `main:${KEY}` }))).toBe('{"first":"main"}');
});

function read(environment: Record<string, string>) {
  return settings.read(environment).masterKeys;
}

function problemOf(environment: Record<string, string>): string {
  try {
    read(environment);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-keys-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}
