import type { DeliveryLine } from '../history.js';
import type { Rule } from './rule.js';

/** P5: of as many deliveries of an event as there are records of it, all others say that they are, or may be, repeats. */
export const repeatsAreMarked: Rule = {
  promise: 'P5',
  kinds: ['unmarked-repeat'],
  look({ queues, records }, accuse) {
    for (const { definition, passages } of queues.values()) {
      for (const [cycle, events] of passages) {
        for (const [id, deliveries] of events) {
          if (deliveries.length === 1) continue;
          const unmarked = deliveries.filter(({ redelivery }) => redelivery === 'no');
          const most = cycle === '' ? (records.get(id)?.length ?? 1) : 1;
          if (unmarked.length <= most && (unmarked.length === 0 || most > 1 || deliveries[0] === unmarked[0])) continue;
          const says = `came to ${definition.queue} again without saying so`;
          accuse({ kind: 'unmarked-repeat', event: id, key: deliveries[0]!.key, says, lines: deliveries });
        }
      }
    }
  },
};

/** P5: all copies that a queue hands out are the same. */
export const copiesAreSame: Rule = {
  promise: 'P5',
  kinds: ['mutated-copy'],
  look({ queues }, accuse) {
    for (const { definition, passages } of queues.values()) {
      const firsts = new Map<string, DeliveryLine>();
      for (const events of passages.values()) {
        for (const [id, deliveries] of events) {
          const first = firsts.get(id) ?? deliveries[0]!;
          firsts.set(id, first);
          const other = deliveries.find(({ bytes }) => bytes !== first.bytes);
          if (other === undefined) continue;
          const says = `came to ${definition.queue} with different bytes`;
          accuse({ kind: 'mutated-copy', event: id, key: first.key, says, lines: [first, other] });
        }
      }
    }
  },
};

/**
 * P5: attempts are counted: what is tried again says so, and within one ownership the count rises. In a redrive or replay
 * the first attempt is a redelivery, too.
 */
export const attemptsAreCounted: Rule = {
  promise: 'P5',
  kinds: ['attempt-contradicts', 'attempt-not-raised'],
  look(evidence, accuse) {
    for (const queue of evidence.queues.values()) {
      for (const [cycle, events] of queue.passages) {
        for (const [id, deliveries] of events) {
          for (const delivery of deliveries) {
            const { attempt, redelivery, key } = delivery;
            if (attempt === 1 ? redelivery !== 'yes' || cycle !== '' : redelivery !== 'no') continue;
            const says = `says attempt ${attempt} and redelivery ${redelivery}`;
            accuse({ kind: 'attempt-contradicts', event: id, key, says, lines: [delivery] });
          }
          if (evidence.recordsIn(queue, cycle, id) > 1) continue;
          for (let index = 1; index < deliveries.length; index += 1) {
            const [before, after] = [deliveries[index - 1]!, deliveries[index]!];
            if (after.attempt > before.attempt || evidence.isDisturbed(before.begin, after.begin)) continue;
            const says = `attempt ${after.attempt} came after attempt ${before.attempt}`;
            accuse({ kind: 'attempt-not-raised', event: id, key: after.key, says, lines: [before, after] });
          }
        }
      }
    }
  },
};

/**
 * P5: without a fault, what was accepted does not come again; and with one neither, once the settlement was confirmed,
 * for that is answered when it is durable.
 */
export const acceptedIsDone: Rule = {
  promise: 'P5',
  kinds: ['needless-repeat', 'repeat-after-settlement'],
  look(evidence, accuse) {
    for (const queue of evidence.queues.values()) {
      const { definition } = queue;
      for (const [cycle, events] of queue.passages) {
        for (const [id, deliveries] of events) {
          if (deliveries.length === 1) continue;
          // A relay may append an event twice: then it is delivered twice.
          if (evidence.recordsIn(queue, cycle, id) > 1) continue;
          let accepted: DeliveryLine | undefined;
          for (const delivery of deliveries) {
            const { key } = delivery;
            if (accepted !== undefined && accepted.end <= delivery.begin) {
              const lines = [accepted, delivery];
              if (accepted.settlement === 'acknowledged') {
                const says = `came to ${definition.queue} again after its settlement was confirmed`;
                accuse({ kind: 'repeat-after-settlement', event: id, key, says, lines });
              } else if (isSettled(accepted) && !evidence.isDisturbed(accepted.begin, delivery.begin)) {
                const says = `came to ${definition.queue} again after it was accepted, without a fault`;
                accuse({ kind: 'needless-repeat', event: id, key, says, lines });
              }
            }
            if (delivery.answer === 'accept' && accepted?.settlement !== 'acknowledged') accepted = delivery;
          }
        }
      }
    }
  },
};

/** An answer to a request that came over one connection; a settlement must have been answered itself. */
function isSettled({ settlement }: DeliveryLine): boolean {
  return settlement === undefined;
}
