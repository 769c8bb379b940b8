import { expect, it } from 'vitest';
import { BUSINESS_OBJECTS, FILES, filesIn, foldersIn } from './tree.js';

/** Apps that are no business objects. */
const OTHER_APPS = ['gateway', 'flows', 'cli', 'console'];
/** What every business object has: who knows one finds their way in all. */
const ROLES = ['', '.shape', '.controller', '.service', '.repository', '.module', '.openapi', '.test', '.broker.test'];
const GIVEN = ['main.ts', 'settings.ts'];

it('an app is a business object with schemas of its own, or one of the few that are not', () => {
  expect(BUSINESS_OBJECTS).toContain('sales-order');
  expect(foldersIn('apps').filter((app) => !BUSINESS_OBJECTS.includes(app) && !OTHER_APPS.includes(app))).toEqual([]);
});

it.each(BUSINESS_OBJECTS)('%s has the files of every business object', (object) => {
  const wanted = [...GIVEN, ...ROLES.map((role) => `${object}${role}.ts`)];
  const present = filesIn(`apps/${object}/src`);
  expect(wanted.filter((file) => !present.includes(file))).toEqual([]);
  expect(foldersIn(`apps/${object}/src`)).toEqual(['migrations']);
});

it.each(BUSINESS_OBJECTS)('%s has schemas, and the types made from them', (object) => {
  const files = FILES.filter((file) => file.startsWith(`schemas/${object}/`));
  expect(files.filter((file) => file.endsWith('.avsc')).length).toBeGreaterThan(0);
  expect(files).toContain(`schemas/${object}/${object}.generated.ts`);
});

it.each(BUSINESS_OBJECTS)(
  'migrations of %s are numbered without gaps, and none is left out of the list',
  async (object) => {
    const folder = `apps/${object}/src/migrations`;
    const numbered = filesIn(folder).filter((file) => /^\d{3}-[a-z0-9-]+\.ts$/.test(file));
    expect(numbered.map((file) => Number(file.slice(0, 3)))).toEqual(numbered.map((_, index) => index + 1));
    expect(filesIn(folder).filter((file) => !numbered.includes(file))).toEqual(['migrations.ts']);
    const { migrations } = (await import(/* @vite-ignore */ `../../../${folder}/migrations.ts`)) as {
      migrations: Record<string, unknown>;
    };
    expect(Object.keys(migrations)).toEqual(expect.arrayContaining(numbered.map((file) => file.replace('.ts', ''))));
  },
);
