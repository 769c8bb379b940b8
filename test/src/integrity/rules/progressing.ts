import type { ProgressLine } from '../history.js';
import type { Rule } from './rule.js';

/** §4: within an epoch of ownership progress never goes back, except by a purge, which raises the position epoch. */
export const progressGoesOn: Rule = {
  promise: 'P3',
  kinds: ['progress-backwards'],
  look({ progress }, accuse) {
    const last = new Map<string, ProgressLine>();
    for (const line of progress) {
      const { queue, topic, partition, epoch, positionEpoch } = line;
      const name = `${queue}/${topic}/${partition}/${epoch}`;
      const before = last.get(name);
      last.set(name, line);
      if (before === undefined || before.positionEpoch < positionEpoch) continue;
      const isBack =
        positionEpoch < before.positionEpoch || line.contiguous < before.contiguous || line.through < before.through;
      if (!isBack) continue;
      const says = `the progress of ${queue} in ${topic}/${partition} went back`;
      accuse({ kind: 'progress-backwards', event: `${topic}/${partition}`, says, lines: [before, line] });
    }
  },
};
