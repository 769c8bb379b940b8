import { pushSchemas } from '../push-schemas.js';
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

export const pushCommand = schemaCommand({
  name: 'push',
  summary: 'register what is new or changed; when one of them breaks readers, none is registered',
  options: {
    dir: DIR_OPTION,
    ...REGISTRY_OPTIONS,
    ...CHECK_OPTIONS,
    mode: { ...CHECK_OPTIONS.mode, about: `${CHECK_OPTIONS.mode.about}; it is set for them` },
    format: FORMAT_OPTION,
    'dry-run': { type: 'boolean', about: 'say what would be registered, and register nothing' },
  },
  examples: ['push --dry-run', 'push --registry https://registry.example.com/apis/ccompat/v7 --token-file token'],
  async run(args, io) {
    const format = formatOf(args);
    const mode = modeOf(args);
    const dir = dirOf(args);
    const dryRun = args['dry-run'] === true;
    const files = await loadSchemaFiles(dir);
    const registry = await openRegistry(args, io);
    const pushed = await pushSchemas({ dir, files, registry, mode, dryRun, readersOf: readersBy(args, io) });
    report(pushed, args, io);
    const isRefused = pushed.some(({ outcome }) => outcome === 'incompatible');
    if (format !== 'json') {
      for (const { file, id, outcome } of pushed)
        if (id !== undefined && outcome !== 'unchanged') io.out(`${file} is schema ${id}`);
      if (isRefused) io.out('nothing is registered');
      else if (dryRun) io.out('nothing is registered: this was a dry run');
    }
    return isRefused ? EXIT.refused : EXIT.ok;
  },
});
