import type { Evidence, QueueEvidence } from '../evidence.js';
import type { DeliveryLine, FinalLine } from '../history.js';
import { isAccepted } from './accepted.js';
import type { Rule } from './rule.js';

/** §4: there is exactly one final state per event, queue and delivery cycle. */
export const oneFinalState: Rule = {
  promise: 'P3',
  kinds: ['two-final-states', 'settled-twice'],
  look({ queues, records }, accuse) {
    for (const queue of queues.values()) {
      const states = new Map<string, FinalLine>();
      for (const final of queue.finals) {
        const name = `${final.cycle ?? ''}\n${final.topic}/${final.partition}/${final.offset}`;
        const before = states.get(name);
        states.set(name, before ?? final);
        if (before === undefined || isOneState(before, final)) continue;
        const kind = 'two-final-states';
        const says = `has two final states in ${queue.definition.queue}: ${before.state} and ${final.state}`;
        accuse({ kind, event: final.id, says, lines: [before, final] });
      }
      for (const twice of confirmedTwice(queue, records)) {
        const { id, key } = twice[0]!;
        const says = `more settlements that end it were confirmed in ${queue.definition.queue} than it has records`;
        accuse({ kind: 'settled-twice', event: id, key, says, lines: twice });
      }
    }
  },
};

/** P3: what is given up is a dead letter with its reason and its bytes, and not before its attempts are used up. */
export const deadLettersAreHonest: Rule = {
  promise: 'P3',
  kinds: ['dead-without-reason', 'dead-too-early', 'dead-altered'],
  look(evidence, accuse) {
    for (const queue of evidence.queues.values()) {
      const { attempts = Infinity } = queue.definition;
      for (const final of queue.finals) {
        if (final.state !== 'dead') continue;
        const { id } = final;
        if ((final.reason ?? '').trim() === '') {
          accuse({ kind: 'dead-without-reason', event: id, says: 'was given up without a reason', lines: [final] });
        }
        const deliveries = deliveriesOf(queue, final);
        if (final.attempts < attempts && !deliveries.some(({ answer }) => answer === 'reject')) {
          const says = `was given up after ${final.attempts} of ${attempts} attempts, and nobody rejected it`;
          accuse({ kind: 'dead-too-early', event: id, says, lines: [queue.definition, final, ...deliveries] });
        }
        const record = recordOf(evidence, final);
        if (final.bytes !== undefined && record !== undefined && final.bytes !== record.bytes) {
          accuse({ kind: 'dead-altered', event: id, says: 'has other bytes as a dead letter', lines: [record, final] });
        }
      }
    }
  },
};

/** P3: nothing counts as accepted that no receiver accepted. */
export const acceptedWasAnswered: Rule = {
  promise: 'P3',
  kinds: ['accepted-unanswered'],
  look({ queues }, accuse) {
    for (const queue of queues.values()) {
      for (const final of queue.finals) {
        if (final.state !== 'accepted') continue;
        const deliveries = deliveriesOf(queue, final);
        if (deliveries.some(isAccepted)) continue;
        const says = `counts as accepted in ${queue.definition.queue}, and no receiver accepted it`;
        accuse({ kind: 'accepted-unanswered', event: final.id, says, lines: [final, ...deliveries] });
      }
    }
  },
};

function deliveriesOf({ passages }: QueueEvidence, { cycle = '', id }: FinalLine): readonly DeliveryLine[] {
  return passages.get(cycle)?.get(id) ?? [];
}

function recordOf({ records }: Evidence, { id, topic, partition, offset }: FinalLine) {
  return records
    .get(id)
    ?.find((record) => record.topic === topic && record.partition === partition && record.offset === offset);
}

/** Settlements that end a lease of an event, where more were confirmed in a cycle than there are records of it. */
function* confirmedTwice({ passages }: QueueEvidence, records: Evidence['records']): Generator<DeliveryLine[]> {
  for (const [cycle, events] of passages) {
    for (const [id, deliveries] of events) {
      if (deliveries.length === 1) continue;
      const confirmed = deliveries.filter(
        ({ answer, settlement }) => settlement === 'acknowledged' && (answer === 'accept' || answer === 'reject'),
      );
      if (confirmed.length > (cycle === '' ? (records.get(id)?.length ?? 1) : 1)) yield confirmed;
    }
  }
}

/**
 * An acceptance that is kept twice is one state: its owner ended before it had noted how far it was. So is a letter that
 * stands in the log twice, for nobody answered its first append: look-ups and redrives know one.
 */
function isOneState(before: FinalLine, final: FinalLine): boolean {
  if (before.state !== final.state) return false;
  return before.state === 'accepted' || JSON.stringify(before) === JSON.stringify(final);
}
