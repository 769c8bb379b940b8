import { expect, it } from 'vitest';
import { FILES, foldersIn, path, read } from './tree.js';

const FOLDER = 'apps/gateway/src/protocols';
const folders = foldersIn(FOLDER);

it('every protocol folder translates in frames that are pure, and says in its README what it promises', () => {
  expect(folders.length).toBeGreaterThan(0);
  const wanted = folders.flatMap((name) => [`${FOLDER}/${name}/${name}.frames.ts`, `${FOLDER}/${name}/README.md`]);
  expect(wanted.filter((file) => !FILES.includes(file))).toEqual([]);
});

it.each(folders)('the README of %s bears its name and describes every file of the folder', (name) => {
  const text = read(`${FOLDER}/${name}/README.md`);
  expect(text.startsWith(`# ${name}\n`)).toBe(true);
  const files = FILES.filter((file) => file.startsWith(`${FOLDER}/${name}/`)).map(
    (file) => file.split('/').at(-1) ?? '',
  );
  const sources = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  expect(sources.filter((file) => !text.includes(`\`${file}\``))).toEqual([]);
});

it('every folder that is a protocol is in the list, under its name', async () => {
  const { protocols } = (await import(path(FOLDER, 'protocols.ts'))) as { protocols: readonly { name: string }[] };
  const open = folders.filter((name) => FILES.includes(`${FOLDER}/${name}/${name}.protocol.ts`));
  expect(protocols.map(({ name }) => name).toSorted()).toEqual(open.toSorted());
});
