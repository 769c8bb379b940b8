import { diffSchemas, type SchemaDiff } from '../diff-schemas.js';
import { loadSchemaFiles } from '../schema-files.js';
import { breachesOf } from '../verdict-words.js';
import { painted } from './colours.js';
import { EXIT, schemaCommand, type CommandIo } from './command.js';
import {
  CHECK_OPTIONS,
  DIR_OPTION,
  REGISTRY_OPTIONS,
  dirOf,
  modeOf,
  openRegistry,
  readersBy,
} from './registry-options.js';
import { FORMAT_OPTION, formatOf, report, withBreaches } from './verdict-report.js';

export const diffCommand = schemaCommand({
  name: 'diff',
  summary: 'say what has changed since the newest versions, field by field, and what of it breaks readers',
  options: { dir: DIR_OPTION, ...REGISTRY_OPTIONS, ...CHECK_OPTIONS, format: FORMAT_OPTION },
  examples: ['diff', 'diff --format json'],
  async run(args, io) {
    const format = formatOf(args);
    const mode = modeOf(args);
    const dir = dirOf(args);
    const files = await loadSchemaFiles(dir);
    const registry = await openRegistry(args, io);
    const diffs = await diffSchemas({ dir, files, registry, mode, readersOf: readersBy(args, io) });
    if (format === 'json') io.out(JSON.stringify({ diffs: diffs.map(withBreaches) }, null, 2));
    else if (format === 'github') report(diffs, args, io);
    else for (const diff of diffs) say(diff, io);
    return diffs.some(({ outcome }) => outcome === 'incompatible') ? EXIT.refused : EXIT.ok;
  },
});

const MARKS = { added: '+', 'taken-away': '-' } as Record<string, string>;

function say(diff: SchemaDiff, io: CommandIo): void {
  const { file, outcome, mode, latest, changes } = diff;
  if (outcome === 'new') return io.out(`${file}: new`);
  // Order of keys and the like.
  if (outcome === 'unchanged') return;
  io.out(`${file}: since version ${latest}, under ${mode}`);
  for (const { path, kind, words, breaking } of changes) {
    const severity = breaking ? painted('red', 'breaking', io) : painted('green', 'safe    ', io);
    io.out(`  ${severity} ${MARKS[kind] ?? '~'} ${path} ${words}`);
  }
  if (changes.length === 0) io.out('  nothing that readers see');
  for (const { line, words } of breachesOf(diff)) io.out(`  ${file}:${line} ${words}`);
}
