import { HeddleError } from '@heddle/event';
import { parseAllDocuments, stringify } from 'yaml';

/** A value as YAML, long lines left whole so that they can be compared line by line. */
export function writeYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Every document of a text; empty ones are passed over. @throws HeddleError `body-invalid`, naming line and column */
export function readYaml(text: string, file: string): unknown[] {
  const documents = parseAllDocuments(text, { uniqueKeys: true });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document): unknown[] => {
    const [problem] = document.errors;
    if (problem !== undefined) {
      throw new HeddleError('body-invalid', `${file} is no YAML: ${problem.message.split('\n', 1)[0] ?? ''}`, {
        cause: problem,
      });
    }
    // A small file that says the same a billion times is no manifest of anybody.
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return value === null ? [] : [value];
  });
}
