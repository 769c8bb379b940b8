import type { RecordLine } from '../history.js';
import type { Rule } from './rule.js';

/** P2: what was acknowledged is in the log, where the answer says. */
export const acknowledgedIsKept: Rule = {
  promise: 'P2',
  kinds: ['publish-lost', 'position-taken'],
  look({ publishes, records, partitions }, accuse) {
    for (const [id, calls] of publishes) {
      const kept = records.get(id) ?? [];
      for (const call of calls) {
        if (call.outcome !== 'acknowledged') continue;
        const { key, topic, partition, offset } = call;
        if (kept.length === 0) {
          accuse({
            kind: 'publish-lost',
            event: id,
            key,
            says: 'was acknowledged and is not in its topic',
            lines: [call],
          });
        } else if (offset !== undefined && !kept.some((at) => at.partition === partition && at.offset === offset)) {
          const holder = holderOf(partitions.get(`${topic}/${partition}`), offset);
          accuse({
            kind: 'position-taken',
            event: id,
            key,
            says: 'is not where its acknowledgement says',
            lines: [call, ...kept, ...(holder === undefined ? [] : [holder])],
          });
        }
      }
    }
  },
};

/** P2: what was refused is not in the log, and nothing is there that nobody published. */
export const onlyPublishedIsThere: Rule = {
  promise: 'P2',
  kinds: ['record-phantom', 'refused-appended'],
  look({ publishes, records, raised }, accuse) {
    for (const [id, [record]] of records) {
      if (record === undefined || raised.has(record.topic)) continue;
      const calls = publishes.get(id) ?? [];
      const { key } = record;
      if (calls.length === 0) {
        accuse({
          kind: 'record-phantom',
          event: id,
          key,
          says: 'is in the topic and nobody published it',
          lines: [record],
        });
      } else if (calls.every(({ outcome }) => outcome === 'refused')) {
        accuse({
          kind: 'refused-appended',
          event: id,
          key,
          says: 'was refused and is in the topic all the same',
          lines: [...calls, record],
        });
      }
    }
  },
};

/** P2: the log has what was published. */
export const publishedIsUnchanged: Rule = {
  promise: 'P2',
  kinds: ['record-altered'],
  look({ publishes, records }, accuse) {
    for (const [id, [call]] of publishes) {
      if (call === undefined) continue;
      const other = records
        .get(id)
        ?.find(({ content, key, topic }) => content !== call.content || key !== call.key || topic !== call.topic);
      if (other === undefined) continue;
      accuse({
        kind: 'record-altered',
        event: id,
        key: call.key,
        says: 'has other data, key or topic in the log than it was published with',
        lines: [call, other],
      });
    }
  },
};

/**
 * P4, in the log: an event that was acknowledged before another of its key was published stands before it. Only first
 * occurrences count: a call that got no answer may be appended late, and is then a repeat.
 */
export const publishedInOrder: Rule = {
  promise: 'P4',
  kinds: ['log-reordered'],
  look({ publishes, partitions }, accuse) {
    for (const records of partitions.values()) {
      const seen = new Set<string>();
      const latest = new Map<string, { begin: number; record: RecordLine }>();
      for (const record of records) {
        if (seen.has(record.id)) continue;
        seen.add(record.id);
        const calls = publishes.get(record.id);
        if (calls === undefined) continue;
        const before = latest.get(record.key);
        const acknowledged = Math.min(
          ...calls.filter(({ outcome }) => outcome === 'acknowledged').map(({ end }) => end),
        );
        if (before !== undefined && acknowledged < before.begin) {
          accuse({
            kind: 'log-reordered',
            event: record.id,
            key: record.key,
            says: 'was acknowledged before the publishing of one that stands before it',
            lines: [...calls, ...(publishes.get(before.record.id) ?? []), before.record, record],
          });
        }
        const begin = Math.min(...calls.map((call) => call.begin));
        if (before === undefined || begin > before.begin) latest.set(record.key, { begin, record });
      }
    }
  },
};

function holderOf(records: readonly RecordLine[] = [], offset: number): RecordLine | undefined {
  return records.find((record) => record.offset === offset);
}
