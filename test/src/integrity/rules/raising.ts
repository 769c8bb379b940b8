import { objectName } from '../evidence.js';
import type { RecordLine } from '../history.js';
import type { Rule } from './rule.js';

/** P1: what the service acknowledged is stored, and nothing is stored that nobody asked for. */
export const changesAreKept: Rule = {
  promise: 'P1',
  kinds: ['change-lost', 'change-phantom'],
  look({ changes, objects }, accuse) {
    for (const [name, calls] of changes) {
      const stored = objects.get(name);
      const { key } = calls[0]!;
      const acknowledged = calls.filter(({ outcome, version }) => outcome === 'acknowledged' && version !== undefined);
      const lost = acknowledged.filter(({ version = 0 }) => version > (stored?.version ?? 0));
      const lines = stored === undefined ? [] : [stored];
      if (lost.length > 0) {
        accuse({
          kind: 'change-lost',
          event: name,
          key,
          says: 'an acknowledged change is gone',
          lines: [...lost, ...lines],
        });
      }
      const possible = calls.filter(({ outcome }) => outcome !== 'refused').map(({ version = 0 }) => version);
      if (stored !== undefined && stored.version > Math.max(0, ...possible)) {
        accuse({
          kind: 'change-phantom',
          event: name,
          key,
          says: 'has a version that no call can have led to',
          lines: [...calls, stored],
        });
      }
    }
  },
};

/** P1: the topic has exactly the events that the database says were raised. */
export const raisedIsAppended: Rule = {
  promise: 'P1',
  kinds: ['raised-lost', 'raised-phantom'],
  look({ objects, records, raised }, accuse) {
    const events = new Map<string, RecordLine[]>();
    for (const [record] of records.values()) {
      if (record === undefined || !raised.has(record.topic)) continue;
      const name = objectName(record);
      const list = events.get(name);
      if (list === undefined) events.set(name, [record]);
      else list.push(record);
    }
    for (const [name, stored] of objects) {
      const appended = events.get(name) ?? [];
      if (appended.length >= stored.events) continue;
      accuse({
        kind: 'raised-lost',
        event: name,
        key: stored.key,
        says: `${stored.events} events were committed and ${appended.length} are in the topic`,
        lines: [stored, ...appended],
      });
    }
    for (const [name, appended] of events) {
      const stored = objects.get(name);
      if (appended.length <= (stored?.events ?? 0)) continue;
      accuse({
        kind: 'raised-phantom',
        event: name,
        key: appended[0]!.key,
        says: `${stored?.events ?? 0} events were committed and ${appended.length} are in the topic`,
        lines: [...(stored === undefined ? [] : [stored]), ...appended],
      });
    }
  },
};

/** P4, in the log: the first occurrences of an object's events have the numbers 1, 2, 3 … */
export const numbersRiseByOne: Rule = {
  promise: 'P4',
  kinds: ['sequence-gap', 'sequence-twice', 'sequence-backwards'],
  look({ partitions, raised }, accuse) {
    for (const records of partitions.values()) {
      if (records[0] === undefined || !raised.has(records[0].topic)) continue;
      const seen = new Set<string>();
      const last = new Map<string, RecordLine>();
      for (const record of records) {
        const { id, key, sequence = 0 } = record;
        if (seen.has(id)) continue;
        seen.add(id);
        const before = last.get(key);
        const expected = (before?.sequence ?? 0) + 1;
        if (sequence === expected) {
          last.set(key, record);
          continue;
        }
        const lines = before === undefined ? [record] : [before, record];
        const says = `has the number ${sequence} where ${expected} was to come`;
        if (sequence === before?.sequence) accuse({ kind: 'sequence-twice', event: id, key, says, lines });
        else if (sequence < expected) accuse({ kind: 'sequence-backwards', event: id, key, says, lines });
        else accuse({ kind: 'sequence-gap', event: id, key, says, lines });
        if (sequence > expected) last.set(key, record);
      }
    }
  },
};

/** P4, P5, in the log: a key stays in its partition, and what is appended again is the same in every byte. */
export const repeatsAreCopies: Rule = {
  promise: 'P5',
  kinds: ['key-moved', 'record-mutated'],
  look({ records, partitions }, accuse) {
    for (const [id, copies] of records) {
      const [first] = copies;
      const other = copies.find(({ bytes }) => bytes !== first?.bytes);
      if (first === undefined || other === undefined) continue;
      const says = 'is in the log twice with different bytes';
      accuse({ kind: 'record-mutated', event: id, key: first.key, says, lines: [first, other] });
    }
    const homes = new Map<string, RecordLine>();
    for (const list of partitions.values()) {
      const here = new Set<string>();
      for (const record of list) {
        if (here.has(record.key)) continue;
        here.add(record.key);
        const name = objectName(record);
        const home = homes.get(name);
        if (home === undefined) homes.set(name, record);
        else {
          const says = 'its key is in several partitions';
          accuse({ kind: 'key-moved', event: record.id, key: record.key, says, lines: [home, record] });
        }
      }
    }
  },
};
