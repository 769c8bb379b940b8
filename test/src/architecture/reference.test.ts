import { ERRORS } from '@heddle/event';
import { expect, it } from 'vitest';
import { eventPages } from './event-pages.js';
import { commandsPage } from './commands-page.js';
import { limitsPage, namedCodes, unlistedLimits } from './limits-page.js';
import { permissionsPage } from './permissions-page.js';
import { allSettings, environmentExample, errorsPage, settingsPage } from './reference-pages.js';
import { FILES, SOURCES, path, read } from './tree.js';

// `npm run docs` is this file with --update: it writes what is compared here.
const PAGES = [
  ...['commands', 'errors', 'limits', 'permissions', 'settings'].map((page) => `docs/reference/${page}.md`),
  '.env.example',
];

it('the reference pages are there, and belong to the project', () => {
  expect(PAGES.filter((page) => !FILES.includes(page))).toEqual([]);
});

it('the page of commands says what the commands say of themselves', async () => {
  await expect(await commandsPage()).toMatchFileSnapshot(path('docs/reference/commands.md'));
});

it('the page of errors says what the list of errors says', async () => {
  await expect(await errorsPage()).toMatchFileSnapshot(path('docs/reference/errors.md'));
});

it('the page of settings and the example say what the processes read', async () => {
  const settings = await allSettings();
  await expect(await settingsPage(settings)).toMatchFileSnapshot(path('docs/reference/settings.md'));
  await expect(environmentExample(settings)).toMatchFileSnapshot(path('.env.example'));
});

it('the page of limits has every setting of one and the figures of the sources, and names errors that there are', async () => {
  expect(await unlistedLimits()).toEqual([]);
  expect(namedCodes().filter((code) => !(code in ERRORS))).toEqual([]);
  await expect(await limitsPage()).toMatchFileSnapshot(path('docs/reference/limits.md'));
});

it('the page of permissions says what the table of permissions says', async () => {
  await expect(await permissionsPage()).toMatchFileSnapshot(path('docs/reference/permissions.md'));
});

it('there is a page of events for each business object, and it says what the schemas and the doors say', async () => {
  const pages = await eventPages();
  const there = FILES.filter((file) => file.startsWith('docs/reference/events/'));
  for (const [page, text] of pages) await expect(text).toMatchFileSnapshot(path(page));
  expect(there).toEqual([...pages.keys()].toSorted());
});

it('a variable of ours means one thing in every process', async () => {
  const meanings = new Map<string, Set<string>>();
  for (const { process, rows } of await allSettings()) {
    // What the launcher takes from outside it takes instead of starting it, and the command line is no process of the
    // mesh; for processes it is where to go.
    if (process === 'npm start' || process === 'cli') continue;
    for (const { env, about } of rows) meanings.set(env, (meanings.get(env) ?? new Set()).add(about));
  }
  expect(meanings.size).toBeGreaterThan(0);
  expect([...meanings].filter(([, abouts]) => abouts.size > 1).map(([env]) => env)).toEqual([]);
});

it('every error code is raised somewhere', () => {
  const code = SOURCES.filter((file) => /^(apps|libs)\//.test(file) && !/errors\.ts$|\.test\.ts$/.test(file))
    .map(read)
    .join('\n');
  const silent = Object.keys(ERRORS).filter((name) => !code.includes(`'${name}'`));
  expect(silent).toEqual([]);
});
