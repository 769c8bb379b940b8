import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CHECKOUT } from '@heddle/infra';
import { expect, test } from 'vitest';

const GUIDE = join(CHECKOUT, 'docs', 'guides', 'foreign-clients.md');
const PROGRAMS = [join(CHECKOUT, 'test', 'interop'), join(CHECKOUT, 'test', 'src', 'interop')];
const CODE = /^```(?:java|python|go|ts)\n([\s\S]*?)^```$/gm;

test('the guide to other clients shows nothing but what stands in programs that are run', async () => {
  const guide = await readFile(GUIDE, 'utf8');
  const shown = Array.from(guide.matchAll(CODE), ([, code = '']) => code);
  expect(shown.length).toBeGreaterThanOrEqual(8);
  const sources = (await Promise.all(PROGRAMS.map(textsIn))).flat().map(unindented);
  expect(shown.filter((code) => !sources.some((source) => source.includes(unindented(code))))).toEqual([]);
});

async function textsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(files.map((file) => readFile(file, 'utf8')));
}

function unindented(code: string): string {
  return code.replaceAll(/^[ \t]+/gm, '').trim();
}
