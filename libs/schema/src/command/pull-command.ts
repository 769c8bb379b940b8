import { pullSchemas } from '../pull-schemas.js';
import { EXIT, schemaCommand } from './command.js';
import { DIR_OPTION, REGISTRY_OPTIONS, dirOf, openRegistry, textOf } from './registry-options.js';
import { FORMAT_OPTION, formatOf } from './verdict-report.js';

export const pullCommand = schemaCommand({
  name: 'pull',
  summary: 'write the newest version of each subject as a schema file',
  options: {
    dir: DIR_OPTION,
    ...REGISTRY_OPTIONS,
    subject: { type: 'string', value: 'PREFIX', about: 'only subjects that begin so' },
    format: { ...FORMAT_OPTION, about: 'text or json (text)' },
    'dry-run': { type: 'boolean', about: 'say what would be written, and write nothing' },
  },
  examples: ['pull', 'pull --subject contract- --dir elsewhere'],
  async run(args, io) {
    const format = formatOf(args);
    const registry = await openRegistry(args, io);
    const dryRun = args['dry-run'] === true;
    const pulled = await pullSchemas({ dir: dirOf(args), registry, prefix: textOf(args, 'subject'), dryRun });
    if (format === 'json') {
      io.out(JSON.stringify({ pulled }, null, 2));
      return EXIT.ok;
    }
    for (const { subject, file, version, outcome, reason } of pulled) {
      if (outcome === 'written') io.out(`${file} ${dryRun ? 'would be' : 'is'} version ${version} of ${subject}`);
      if (outcome === 'skipped') io.err(`${subject} is left out: ${reason}`);
    }
    const written = pulled.filter(({ outcome }) => outcome === 'written').length;
    io.out(`${pulled.length} subjects: ${written} ${dryRun ? 'would be written' : 'written'}`);
    return EXIT.ok;
  },
});
