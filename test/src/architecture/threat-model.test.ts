import { dirname, join } from 'node:path/posix';
import { describe, expect, it } from 'vitest';
import { FILES, read } from './tree.js';

const PAGE = 'docs/security/threat-model.md';

/** `[title](file)` for every test that the page names. */
function namedTests(text: string): { title: string; file: string }[] {
  const links = [...text.matchAll(/\[([^\]]+)\]\(([^)\s]+\.(?:test|contract)\.ts)\)/g)];
  return links.map(([, title = '', file = '']) => ({
    title: title.replaceAll(/\s+/g, ' '),
    file: join(dirname(PAGE), file),
  }));
}

describe('the threat model', () => {
  const text = read(PAGE);
  const threats = text
    .split(/(?=\*\*T\d+\. )|\n## /)
    .filter((part) => part.startsWith('**T'))
    .map((part) => ({ name: /T\d+/.exec(part)?.[0], tests: namedTests(part) }));

  it('names tests that there are, by their titles', () => {
    const named = namedTests(text);
    expect(named.length).toBeGreaterThan(60);
    expect(named.filter(({ title, file }) => !FILES.includes(file) || !read(file).includes(title))).toEqual([]);
  });

  it('has a test for each threat, and counts them without a gap', () => {
    expect(threats.filter(({ tests }) => tests.length === 0)).toEqual([]);
    expect(threats.map(({ name }) => name)).toEqual(threats.map((_, index) => `T${index + 1}`));
  });

  it('claims no requirement without a test, but for those it says are not met', () => {
    const rows = text.split('\n').filter((line) => /^\| (not met: )?\d+\.\d+/.test(line));
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.filter((row) => row.startsWith('| not met') === namedTests(row).length > 0)).toEqual([]);
  });
});
