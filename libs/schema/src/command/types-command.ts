import { loadSchemaFiles } from '../schema-files.js';
import { writeTypes } from '../write-types.js';
import { EXIT, schemaCommand } from './command.js';
import { DIR_OPTION, dirOf } from './registry-options.js';

export const typesCommand = schemaCommand({
  name: 'types',
  summary: 'write the TypeScript types and constants of the schema files beside them',
  options: {
    dir: DIR_OPTION,
    'dry-run': { type: 'boolean', about: 'only say what is not up to date; exit code 1 when something is not' },
  },
  examples: ['types', 'types --dry-run'],
  async run(args, io) {
    const dir = dirOf(args);
    const dryRun = args['dry-run'] === true;
    const stale = await writeTypes({ dir, files: await loadSchemaFiles(dir), dryRun });
    for (const path of stale) io.out(`${dir}/${path} is ${dryRun ? 'not up to date' : 'written'}`);
    if (stale.length === 0) io.out('the types are up to date');
    return dryRun && stale.length > 0 ? EXIT.refused : EXIT.ok;
  },
});
