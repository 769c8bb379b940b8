import { checkSchemas } from '../check-schemas.js';
import { loadSchemaFiles } from '../schema-files.js';
import { EXIT, schemaCommand } from './command.js';
import {
  CHECK_OPTIONS,
  DIR_OPTION,
  REGISTRY_OPTIONS,
  dirOf,
  modeOf,
  openRegistry,
  readersBy,
} from './registry-options.js';
import { FORMAT_OPTION, formatOf, report } from './verdict-report.js';

export const checkCommand = schemaCommand({
  name: 'check',
  summary: 'hold the schema files to their rules and to what is registered, and say whom a change breaks',
  options: {
    dir: DIR_OPTION,
    ...REGISTRY_OPTIONS,
    ...CHECK_OPTIONS,
    format: FORMAT_OPTION,
    offline: { type: 'boolean', about: 'hold the files to their own rules only, and ask no registry' },
  },
  examples: ['check', 'check --mode BACKWARD', 'check --format github --gateway https://mesh.example.com'],
  async run(args, io) {
    formatOf(args);
    const mode = modeOf(args);
    const dir = dirOf(args);
    const files = await loadSchemaFiles(dir);
    if (args['offline'] === true) {
      io.out(`${files.length} schemas are valid and fit their examples`);
      return EXIT.ok;
    }
    const registry = await openRegistry(args, io);
    const verdicts = await checkSchemas({ dir, files, registry, mode, readersOf: readersBy(args, io) });
    report(verdicts, args, io);
    return verdicts.some(({ outcome }) => outcome === 'incompatible') ? EXIT.refused : EXIT.ok;
  },
});
