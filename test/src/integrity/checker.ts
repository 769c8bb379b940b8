import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Evidence } from './evidence.js';
import type { HistoryLine } from './history.js';
import type { Finding } from './rules/rule.js';
import { rules } from './rules/rules.js';

/** Holds a history to every rule. The order of the lines does not matter. */
export function check(lines: Iterable<HistoryLine>): Finding[] {
  const evidence = new Evidence();
  for (const line of lines) evidence.add(line);
  return judge(evidence.complete());
}

/** Holds what is gathered to every rule. */
export function judge(evidence: Evidence): Finding[] {
  const findings: Finding[] = [];
  for (const { promise, look } of rules) look(evidence, (finding) => findings.push({ ...finding, promise }));
  return findings;
}

/** Reads the files that actors have written, line by line; a last line that is cut off is left out. */
export async function gather(files: readonly string[]): Promise<Evidence> {
  const evidence = new Evidence();
  const shared = new Map<string, string>();
  const share = (_name: string, value: unknown): unknown => (typeof value === 'string' ? one(shared, value) : value);
  for (const file of files) {
    for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      if (!text.endsWith('}')) continue;
      evidence.add(JSON.parse(text, share) as HistoryLine);
    }
  }
  return evidence.complete();
}

/** The same text once in memory: ids and digests stand in many lines. */
function one(shared: Map<string, string>, text: string): string {
  const known = shared.get(text);
  if (known !== undefined) return known;
  shared.set(text, text);
  return text;
}
