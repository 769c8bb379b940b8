import { expect, it } from 'vitest';
import { Chance } from '../support/chance.js';
import { check } from './checker.js';
import { cleanHistory } from './clean-history.js';
import { Draw } from './clean-log.js';
import { DEFECTS } from './defects/defects.js';
import { Planting } from './defects/planting.js';
import { rules } from './rules/rules.js';

const CLEAN_HISTORIES = 300;
const HISTORIES_PER_DEFECT = 15;

const draw = new Draw(Chance.of('defects planted in histories'));

it('no clean history is accused of anything, whatever happened in it', () => {
  const seen = { faults: 0, repeats: 0, dead: 0, cycles: 0, unknown: 0 };
  for (let count = 0; count < CLEAN_HISTORIES; count += 1) {
    const lines = cleanHistory(draw, 8 + draw.below(60));
    expect(check(lines)).toEqual([]);
    for (const line of lines) {
      if (line.line === 'fault') seen.faults += 1;
      if (line.line === 'delivery' && line.redelivery === 'maybe') seen.repeats += 1;
      if (line.line === 'final' && line.state === 'dead') seen.dead += 1;
      if (line.line === 'cycle') seen.cycles += 1;
      if (line.line === 'publish' && line.outcome === 'unknown') seen.unknown += 1;
    }
  }
  // Histories in which nothing happens would say nothing.
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(CLEAN_HISTORIES / 3);
});

it.each(DEFECTS)('$name: found as $kind', ({ kind, plant }) => {
  for (let planted = 0, tried = 0; planted < HISTORIES_PER_DEFECT; tried += 1) {
    expect(tried, 'histories without a place for this defect').toBeLessThan(20 * HISTORIES_PER_DEFECT);
    const history = new Planting(cleanHistory(draw));
    if (!plant(history, draw)) continue;
    planted += 1;
    const findings = check(draw.shuffled(history.lines)).filter((finding) => finding.kind === kind);
    expect(findings.length, `findings of ${kind}`).toBeGreaterThan(0);
    for (const { lines, says } of findings) {
      expect(lines.length, says).toBeGreaterThan(0);
    }
  }
});

it('every kind of finding that a rule can have has a defect that shows it', () => {
  const shown = new Set(DEFECTS.map(({ kind }) => kind));
  expect(rules.flatMap(({ kinds }) => kinds).filter((kind) => !shown.has(kind))).toEqual([]);
  expect(shown.size).toBeGreaterThanOrEqual(20);
});
