import type { Rule } from './rule.js';

/** P6: a fetch after a notification of version v never returns less than v. */
export const fetchedIsNew: Rule = {
  promise: 'P6',
  kinds: ['stale-fetch'],
  look({ fetches }, accuse) {
    for (const fetch of fetches) {
      const { topic, key, notified, version } = fetch;
      if (fetch.status !== 200 || (version !== undefined && version >= notified)) continue;
      const says = `version ${version ?? 'of no number'} was fetched after ${notified} was notified`;
      accuse({ kind: 'stale-fetch', event: `${topic}/${key}`, key, says, lines: [fetch] });
    }
  },
};
