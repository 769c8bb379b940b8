import type { Rule } from './rule.js';

/** §8: no process ends unless it is told to or killed. */
export const processesStayUp: Rule = {
  promise: 'P7',
  kinds: ['unexpected-exit'],
  look({ exits }, accuse) {
    for (const exit of exits) {
      if (exit.wanted) continue;
      const says = `${exit.process} ended by itself (${exit.signal ?? `code ${exit.code}`})`;
      accuse({ kind: 'unexpected-exit', event: exit.process, says, lines: [exit] });
    }
  },
};
