import { isAccepted } from './accepted.js';
import type { Rule } from './rule.js';

/** P3: every event that a queue wants was accepted by its receiver, or is a dead letter. To be asked when all is at rest. */
export const everyEventArrives: Rule = {
  promise: 'P3',
  kinds: ['undelivered', 'unaccepted'],
  look({ queues, records }, accuse) {
    for (const { definition, passages, dead, wants } of queues.values()) {
      const first = passages.get('');
      for (const [id, [record]] of records) {
        if (record === undefined || !wants(record.type) || dead.has(id)) continue;
        const deliveries = first?.get(id) ?? [];
        const { key } = record;
        if (deliveries.length === 0) {
          const says = `never came to the receiver of ${definition.queue}`;
          accuse({ kind: 'undelivered', event: id, key, says, lines: [definition, record] });
        } else if (!deliveries.some(isAccepted)) {
          const says = `was never accepted in ${definition.queue}, and is no dead letter`;
          accuse({ kind: 'unaccepted', event: id, key, says, lines: [record, ...deliveries] });
        }
      }
    }
  },
};

/** P3: what a redrive or replay speaks of is delivered in it, and there is no cycle that nobody asked for. */
export const cyclesAreWhole: Rule = {
  promise: 'P3',
  kinds: ['cycle-undelivered', 'cycle-phantom'],
  look({ queues }, accuse) {
    for (const { definition, passages, cycles, finals } of queues.values()) {
      for (const [cycle, line] of cycles) {
        const dead = new Set(
          finals.filter((final) => final.cycle === cycle && final.state === 'dead').map(({ id }) => id),
        );
        for (const id of line.ids) {
          const deliveries = passages.get(cycle)?.get(id) ?? [];
          if (dead.has(id) || deliveries.some(isAccepted)) continue;
          const says = `was not accepted in the cycle ${cycle} of ${definition.queue}`;
          accuse({ kind: 'cycle-undelivered', event: id, says, lines: [line, ...deliveries] });
        }
      }
      for (const [cycle, events] of passages) {
        if (cycle === '') continue;
        const ids = new Set(cycles.get(cycle)?.ids);
        for (const [id, deliveries] of events) {
          if (ids.has(id)) continue;
          const says = `was delivered in the cycle ${cycle} of ${definition.queue}, to which it does not belong`;
          accuse({ kind: 'cycle-phantom', event: id, says, lines: deliveries });
        }
      }
    }
  },
};

/** P3: nothing is delivered that is not in the log, and to no queue that does not want it. */
export const onlyStoredIsDelivered: Rule = {
  promise: 'P3',
  kinds: ['delivery-phantom', 'unwanted', 'queue-unknown'],
  look({ queues, records, strangers }, accuse) {
    for (const { definition, deliveries, wants } of queues.values()) {
      for (const delivery of deliveries) {
        const { id, key, type } = delivery;
        if (!records.has(id)) {
          accuse({
            kind: 'delivery-phantom',
            event: id,
            key,
            says: 'was delivered and is in no topic',
            lines: [delivery],
          });
        } else if (!wants(type)) {
          const says = `${definition.queue} does not want ${type}`;
          accuse({ kind: 'unwanted', event: id, key, says, lines: [definition, delivery] });
        }
      }
    }
    for (const line of strangers) {
      accuse({
        kind: 'queue-unknown',
        event: 'id' in line ? line.id : '',
        says: 'is of a queue nobody made',
        lines: [line],
      });
    }
  },
};

/** P5: what arrives is what the log has: data, key, type and number. */
export const deliveredIsUnchanged: Rule = {
  promise: 'P5',
  kinds: ['delivery-altered', 'misaddressed'],
  look({ queues, records }, accuse) {
    for (const { deliveries } of queues.values()) {
      for (const delivery of deliveries) {
        const record = records.get(delivery.id)?.[0];
        if (record === undefined) continue;
        const { id, key } = delivery;
        if (delivery.content !== record.content) {
          accuse({ kind: 'delivery-altered', event: id, key, says: 'came with other data', lines: [record, delivery] });
        }
        if (key !== record.key || delivery.type !== record.type || delivery.sequence !== record.sequence) {
          const says = 'came with another key, type or number';
          accuse({ kind: 'misaddressed', event: id, key, says, lines: [record, delivery] });
        }
      }
    }
  },
};
