import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { HeddleError } from '@heddle/event';
import { type BrokenRule, brokenRules } from '@heddle/runtime';
import { type Document, LineCounter, isMap, isNode, parseAllDocuments } from 'yaml';
import { type Flow, flowShape } from './flow.shape.js';

/**
 * The flows of a folder: its YAML files, each with one or more documents. The order is that of their names.
 *
 * @throws HeddleError `setting-invalid` with a line for every rule that is broken: file, line, field, rule
 */
export function readFlows(folder: string): Flow[] {
  const files = filesOf(folder);
  const problems: string[] = [];
  const flows = files.flatMap((file) => flowsOf(file, readFileSync(join(folder, file), 'utf8'), problems));
  for (const [what, of] of UNIQUE) {
    const seen = new Map<string, string>();
    for (const { flow, where } of flows) {
      const value = of(flow);
      if (value === undefined) continue;
      const before = seen.get(value);
      if (before === undefined) seen.set(value, where);
      else problems.push(`${where}: ${what} ${value} is taken by ${before}`);
    }
  }
  if (flows.length === 0 && problems.length === 0) problems.push(`${folder} has no flow: files that end with .yaml`);
  if (problems.length > 0) throw new HeddleError('setting-invalid', problems.join('\n'));
  return flows.map(({ flow }) => flow);
}

/** What two flows cannot have in common: of a queue each would get a part. */
const UNIQUE: readonly (readonly [string, (flow: Flow) => string | undefined])[] = [
  ['name', ({ name }) => name],
  ['from.queue', ({ from }) => from.queue],
  ['from.http.path', ({ from }) => from.http?.path],
];

interface Placed {
  flow: Flow;
  /** `orders.yaml:3` */
  where: string;
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => /\.ya?ml$/.test(file))
      .toSorted();
  } catch (cause) {
    throw new HeddleError('setting-invalid', `HEDDLE_FLOWS_DIR names a folder that cannot be read: ${folder}`, {
      cause,
    });
  }
}

function flowsOf(file: string, text: string, problems: string[]): Placed[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const lineOf = (offset: number): string => `${file}:${lines.linePos(offset).line}`;
    const [unreadable] = document.errors;
    if (unreadable !== undefined) {
      problems.push(`${lineOf(unreadable.pos[0])}: is no YAML: ${unreadable.message}`);
      return [];
    }
    if (document.contents === null) return [];
    const where = lineOf(document.contents.range?.[0] ?? 0);
    const { value, problem } = valueOf(document);
    if (problem !== undefined) {
      problems.push(`${where}: is no YAML: ${problem}`);
      return [];
    }
    const outcome = flowShape.safeParse(value);
    if (outcome.success) return [{ flow: outcome.data, where }];
    for (const issue of outcome.error.issues) {
      for (const broken of brokenRules(flowShape, [issue])) {
        const at = offsetOf(document, broken.path);
        // What a step or a rule about several fields says of one that is not there, it says already.
        const isMissing = issue.code !== 'custom' && broken.path.length > 0 && !document.hasIn(broken.path);
        problems.push(`${at === undefined ? where : lineOf(at)}: ${sentenceOf(broken, isMissing)}`);
      }
    }
    return [];
  });
}

/** What references to one another could make of a small file is bounded, and none leads into itself. */
function valueOf(document: Document): { value?: unknown; problem?: string } {
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return isTree(value, []) ? { value } : { problem: 'an alias leads into its own anchor' };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

function isTree(value: unknown, above: readonly unknown[]): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return !above.includes(value) && Object.values(value).every((one) => isTree(one, [...above, value]));
}

/** Where a field stands, or the nearest thing around it that is there. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    const pair = isMap(parent) ? parent.items.find((item) => String(item.key) === String(key)) : undefined;
    const node: unknown = pair?.key ?? document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return undefined;
}

function sentenceOf({ path, rule }: BrokenRule, isMissing: boolean): string {
  const isSaid = !isMissing || rule.startsWith('is missing');
  return `${path.length === 0 ? 'a flow' : path.join('.')} ${isSaid ? '' : 'is missing: it '}${rule}`;
}
