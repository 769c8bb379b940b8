import type { QueueEvidence } from '../evidence.js';
import type { DeliveryLine, RecordLine } from '../history.js';
import type { Accuse, Rule } from './rule.js';

/**
 * P4: when an event is delivered first, the one before it in its lane has been delivered, and that delivery did not
 * fail. A lane is what a queue keeps in order: a key, or (for `order: queue`) a partition.
 */
export const deliveredInOrder: Rule = {
  promise: 'P4',
  kinds: ['reordered', 'overtaken'],
  look({ queues, partitions }, accuse) {
    for (const queue of queues.values()) {
      if (queue.definition.order === 'none') continue;
      for (const records of partitions.values()) lookAlong(queue, records, accuse);
    }
  },
};

/** P4: within one ownership, a lane has one delivery under way at a time. */
export const oneInFlight: Rule = {
  promise: 'P4',
  kinds: ['in-flight-twice'],
  look(evidence, accuse) {
    for (const { definition, deliveries } of evidence.queues.values()) {
      if (definition.order === 'none') continue;
      const open = new Map<string, DeliveryLine>();
      for (const delivery of deliveries) {
        const lane = definition.order === 'queue' ? '' : delivery.key;
        const before = open.get(lane);
        if (before !== undefined && delivery.begin < before.end && !isExcused(before, delivery)) {
          const says = `came while another of its ${definition.order} was still with the receiver`;
          accuse({ kind: 'in-flight-twice', event: delivery.id, key: delivery.key, says, lines: [before, delivery] });
        }
        if (before === undefined || delivery.end > before.end) open.set(lane, delivery);
      }
    }
    function isExcused(before: DeliveryLine, delivery: DeliveryLine): boolean {
      if (before.epoch !== undefined && delivery.epoch !== undefined) return before.epoch !== delivery.epoch;
      return evidence.isDisturbed(before.begin, delivery.begin);
    }
  },
};

function lookAlong(queue: QueueEvidence, records: readonly RecordLine[], accuse: Accuse): void {
  const first = queue.passages.get('');
  if (first === undefined) return;
  const seen = new Set<string>();
  const last = new Map<string, RecordLine>();
  for (const record of records) {
    if (seen.has(record.id) || !queue.wants(record.type)) continue;
    seen.add(record.id);
    const lane = queue.definition.order === 'queue' ? '' : record.key;
    const before = last.get(lane);
    last.set(lane, record);
    const [delivery] = first.get(record.id) ?? [];
    const earlier = before === undefined ? undefined : first.get(before.id);
    // What never came at all is another rule's business.
    if (before === undefined || delivery === undefined || earlier === undefined) continue;
    const tried = earlier.filter(({ begin }) => begin < delivery.begin);
    const { id, key } = record;
    if (tried.length === 0) {
      const says = `came to ${queue.definition.queue} before the one that stands before it`;
      accuse({ kind: 'reordered', event: id, key, says, lines: [before, record, delivery, earlier[0]!] });
    } else if (!queue.dead.has(before.id) && tried.every(hasFailed) && !isExhausted(queue, tried)) {
      const says = `came to ${queue.definition.queue} while the one before it had only failed`;
      accuse({ kind: 'overtaken', event: id, key, says, lines: [...tried, delivery] });
    }
  }
}

/** A rejected one is given up, and one that was cut off may count as had: neither holds the next one back for sure. */
function hasFailed({ answer }: DeliveryLine): boolean {
  return answer === 'release';
}

/** Given up in any case, if an owner that ended at that moment did not get to write it down. */
function isExhausted({ definition }: QueueEvidence, tried: readonly DeliveryLine[]): boolean {
  return tried.some(({ attempt }) => attempt >= (definition.attempts ?? Infinity));
}
