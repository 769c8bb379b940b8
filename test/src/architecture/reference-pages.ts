import { ERRORS } from '@heddle/event';
import type { SettingRow } from '@heddle/runtime';
import { markdown } from './markdown.js';
import { foldersIn, path } from './tree.js';

interface Described {
  describe(): SettingRow[];
}

/** The settings of one process: how it is called, and every variable it reads. */
export interface ProcessSettings {
  process: string;
  rows: SettingRow[];
}

/** The settings of everything that is started, from the schemas they are read with. */
export async function allSettings(): Promise<ProcessSettings[]> {
  const launcher = (await import(path('infra/src/launch-settings.ts'))) as { launchSettings: Described };
  const processes = [{ process: 'npm start', rows: launcher.launchSettings.describe() }];
  for (const app of foldersIn('apps').toSorted()) {
    const { settings } = (await import(path('apps', app, 'src/settings.ts'))) as { settings: Described };
    processes.push({ process: app, rows: settings.describe() });
  }
  return processes;
}

/** `docs/reference/errors.md` */
export async function errorsPage(): Promise<string> {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, retryable, title }]) => `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${title} |`,
  );
  return markdown(`# Errors

Every door answers an error with an RFC 9457 problem. \`code\` is the stable name to program against, \`type\` is
\`/problems/<code>\`, \`detail\` says what is wrong and what to do, \`field\` and \`errors\` name what is wrong in the
request. Where \`retryable\` is true, the same request may succeed later, unchanged; \`Retry-After\` says when, if known.

This page is made from \`libs/event/src/errors.ts\` (\`npm run docs\`).

| code | status | retryable | meaning |
| --- | --- | --- | --- |
${rows.join('\n')}
`);
}

/** `docs/reference/settings.md` */
export async function settingsPage(processes: readonly ProcessSettings[]): Promise<string> {
  const sections = processes.map(
    ({ process, rows }) => `## ${process}

| variable | default | meaning |
| --- | --- | --- |
${rows.map((row) => `| ${variables(row)} | ${cell(row)} | ${row.about} |`).join('\n')}
`,
  );
  return markdown(`# Settings

Settings are environment variables, read once when a process starts. One that is wrong, or begins with \`HEDDLE_\` and
is not known, stops the start with a line that says so. A secret is masked wherever settings are shown, and can be given
as a file by the second name.

\`npm start\` tells the processes it starts where to find each other; who runs them in another way sets the variables of
each. This page is made from the settings schemas (\`npm run docs\`).

${sections.join('\n')}`);
}

/** `.env.example`: everything that can be set, with what it is when it is not. */
export function environmentExample(processes: readonly ProcessSettings[]): string {
  const sections = processes.map(
    ({ process, rows }) =>
      `# ${process}\n\n${rows.map((row) => `# ${row.about}\n# ${row.env}=${row.secret ? '' : row.fallback}`).join('\n')}\n`,
  );
  return `# Every setting with its default, made from the settings schemas (npm run docs). A process knows those of its section.

${sections.join('\n')}`;
}

function variables({ env, secret }: SettingRow): string {
  return secret ? `\`${env}\`, \`${env}_FILE\`` : `\`${env}\``;
}

function cell({ fallback, secret }: SettingRow): string {
  if (secret) return 'secret';
  return fallback === '' ? '' : `\`${fallback}\``;
}
