import type { FaultLine, HistoryLine } from '../history.js';
import type { Finding } from '../rules/rule.js';
import type { IntegrityResult } from './integrity-run.js';

const SHOWN_OF_A_KIND = 3;
const SHOWN_LINES = 8;

/** What a person reads at the end: what happened, how much was repeated, and each broken promise with its proof. */
export function report({ evidence, findings, troubles, checkedInMs }: IntegrityResult): string[] {
  const deliveries = [...evidence.queues.values()].flatMap((queue) => queue.deliveries);
  const repeats = Map.groupBy(deliveries, ({ redelivery }) => redelivery);
  const calls = [...evidence.publishes.values()].flat();
  const changes = [...evidence.changes.values()].flat();
  const asked = Map.groupBy([...calls, ...changes], ({ outcome }) => outcome);
  const records = [...evidence.records.values()];
  const appendedAgain = records.reduce((sum, copies) => sum + copies.length - 1, 0);
  const memory = Math.round(process.memoryUsage().rss / 1024 / 1024);
  return [
    `requests    ${counted(asked, ['acknowledged', 'refused', 'unknown'])}`,
    `events      ${records.length} in the log, ${appendedAgain} appended again by a relay or publisher`,
    `deliveries  ${deliveries.length}: ${counted(repeats, ['no', 'maybe', 'yes'])} marked as repeats`,
    ...[...evidence.queues.values()].map(
      ({ definition, deliveries: own, dead }) =>
        `  ${definition.queue}: ${own.length} deliveries, ${dead.size} dead letters`,
    ),
    `fetches     ${evidence.fetches.length}`,
    `faults      ${faultsOf(evidence.faults)}`,
    `checked in  ${(checkedInMs / 1000).toFixed(1)} s, ${memory} MiB`,
    ...troubles.map((trouble) => `✖ ${trouble}`),
    ...findingsOf(findings),
    findings.length === 0 ? '✔ every promise was kept' : `✖ ${findings.length} findings`,
  ];
}

function counted(groups: ReadonlyMap<string, readonly unknown[]>, names: readonly string[]): string {
  return names.map((name) => `${groups.get(name)?.length ?? 0} ${name}`).join(', ');
}

function faultsOf(faults: readonly FaultLine[]): string {
  const byKind = Map.groupBy(faults, ({ kind, target }) => `${kind} ${target}`);
  return [...byKind]
    .map(([name, group]) => `${group.length} × ${name}`)
    .toSorted()
    .join(', ');
}

function findingsOf(findings: readonly Finding[]): string[] {
  const lines: string[] = [];
  for (const [kind, group] of Map.groupBy(findings, (finding) => finding.kind)) {
    lines.push(`✖ ${kind} (${group[0]!.promise}): ${group.length}`);
    for (const { event, key, says, lines: proof } of group.slice(0, SHOWN_OF_A_KIND)) {
      lines.push(`  ${event}${key === undefined ? '' : ` of ${key}`} ${says}`);
      lines.push(...proof.slice(0, SHOWN_LINES).map((line) => `    ${textOf(line)}`));
      if (proof.length > SHOWN_LINES) lines.push(`    and ${proof.length - SHOWN_LINES} more lines`);
    }
  }
  return lines;
}

function textOf(line: HistoryLine): string {
  return JSON.stringify(line);
}
