import { CONTRACTS } from '../clean-log.js';
import type { DeliveryLine } from '../history.js';
import { type Defect, type Planting, change, fresh, isFirstPassage, plain } from './planting.js';

/** Two events of a key that follow each other in a queue, each with one delivery. */
const neighbours = (history: Planting, queue: string): [DeliveryLine, DeliveryLine][] => {
  const offsets = new Map(history.all('record').map(({ id, offset }) => [id, offset]));
  const once = plain(history, queue);
  return [...Map.groupBy(once, ({ key }) => key).values()].flatMap((lines) => {
    const sorted = lines.toSorted((one, other) => offsets.get(one.id)! - offsets.get(other.id)!);
    const numberOf = ({ id }: DeliveryLine): number => Number(/\d+$/.exec(id));
    return sorted
      .slice(1)
      .map((after, at): [DeliveryLine, DeliveryLine] => [sorted[at]!, after])
      .filter(([one, other]) => numberOf(one) + 1 === numberOf(other));
  });
};

export const inDelivery: readonly Defect[] = [
  {
    name: 'an event never came to a queue',
    kind: 'undelivered',
    plant: (history, draw) => change(draw, plain(history), (delivery) => history.remove((line) => line === delivery)),
  },
  {
    name: 'a queue stopped trying after a failure',
    kind: 'unaccepted',
    plant: (history, draw) => change(draw, plain(history), (delivery) => (delivery.answer = 'release')),
  },
  {
    name: 'an event came that is in no topic',
    kind: 'delivery-phantom',
    plant: (history, draw) =>
      change(draw, plain(history), (delivery) => history.add({ ...delivery, ...fresh, begin: 1e6, end: 1e6 })),
  },
  {
    name: 'a queue got what it does not want',
    kind: 'unwanted',
    plant: (history, draw) =>
      change(draw, plain(history, 'all-by-key'), (delivery) => {
        const queue = delivery.type.startsWith(CONTRACTS.slice(0, -1)) ? 'orders-few-attempts' : 'contracts-unordered';
        history.add({ ...delivery, queue });
      }),
  },
  {
    name: 'a delivery of a queue that does not exist',
    kind: 'queue-unknown',
    plant: (history, draw) =>
      change(draw, plain(history), (delivery) => history.add({ ...delivery, queue: 'forgotten' })),
  },
  {
    name: 'an event came with other data',
    kind: 'delivery-altered',
    plant: (history, draw) => change(draw, plain(history), (delivery) => (delivery.content = 'other data')),
  },
  {
    name: 'an event came under the key of another',
    kind: 'misaddressed',
    plant: (history, draw) => change(draw, plain(history), (delivery) => (delivery.key = 'C-other')),
  },
  {
    name: 'a later event of a key came first',
    kind: 'reordered',
    plant: (history, draw) =>
      change(draw, neighbours(history, 'all-by-key'), ([one, other]) => {
        [one.begin, other.begin] = [other.begin, one.begin];
        [one.end, other.end] = [other.end, one.end];
      }),
  },
  {
    name: 'a later event came while an earlier one of its key waited for its retry',
    kind: 'overtaken',
    plant: (history, draw) =>
      change(draw, neighbours(history, 'all-by-key'), ([one, other]) => {
        history.add({ ...one, attempt: 2, redelivery: 'yes', begin: other.end + 1, end: other.end + 2 });
        one.answer = 'release';
      }),
  },
  {
    name: 'two events of a key were under way at once',
    kind: 'in-flight-twice',
    plant: (history, draw) =>
      change(draw, neighbours(history, 'all-by-key'), ([one, other]) => {
        history.undisturbed();
        one.end = other.begin + 1;
      }),
  },
  {
    name: 'two events of a key were under way at once within one epoch, after a fault',
    kind: 'in-flight-twice',
    plant: (history, draw) =>
      change(draw, neighbours(history, 'all-by-key'), ([one, other]) => {
        one.end = other.begin + 1;
        history.add({ line: 'fault', kind: 'kill', target: 'gateway-1', begin: one.begin, end: one.end });
        for (const line of [one, other]) line.epoch = '17';
      }),
  },
  {
    name: 'a repeat after a takeover does not say that it may be one',
    kind: 'unmarked-repeat',
    plant: (history, draw) =>
      change(draw, plain(history), (delivery) => {
        const again = { begin: delivery.end + 1, end: delivery.end + 2 };
        history.add({ ...delivery, ...again });
        history.add({ line: 'fault', kind: 'kill', target: 'gateway-1', begin: delivery.end, end: delivery.end });
      }),
  },
  {
    name: 'a redelivered event is marked as the first, and the first as the repeat',
    kind: 'unmarked-repeat',
    plant: (history, draw) => {
      const firsts = plain(history).filter(({ queue }) => queue !== 'contracts-pulled');
      return change(draw, firsts, (delivery) => {
        history.add({ ...delivery, begin: delivery.end + 1, end: delivery.end + 2 });
        delivery.redelivery = 'maybe';
        delivery.answer = 'cut';
      });
    },
  },
  {
    name: 'a copy has other bytes',
    kind: 'mutated-copy',
    plant: (history, draw) =>
      change(
        draw,
        history.all('delivery', ({ redelivery }) => redelivery !== 'no'),
        (delivery) => {
          delivery.bytes = 'other bytes';
          const others = history.passage(delivery).length > 1;
          if (!others) history.add({ ...delivery, bytes: 'these bytes' });
        },
      ),
  },
  {
    name: 'a second attempt says that it is no redelivery',
    kind: 'attempt-contradicts',
    plant: (history, draw) =>
      change(
        draw,
        history.all('delivery', ({ attempt }) => attempt > 1),
        (delivery) => (delivery.redelivery = 'no'),
      ),
  },
  {
    name: 'the count of attempts does not rise',
    kind: 'attempt-not-raised',
    plant: (history, draw) => {
      const single = new Set([...history.single('contract'), ...history.single('sales-order')].map(({ id }) => id));
      const second = history.all(
        'delivery',
        (line) => line.attempt === 2 && single.has(line.id) && isFirstPassage(line),
      );
      return change(draw, second, (delivery) => {
        history.undisturbed();
        delivery.attempt = 1;
        delivery.redelivery = 'maybe';
      });
    },
  },
  {
    name: 'an accepted event came again without a fault',
    kind: 'needless-repeat',
    plant: (history, draw) =>
      change(draw, plain(history, 'all-by-key'), (delivery) => {
        history.undisturbed();
        history.add({ ...delivery, attempt: 2, redelivery: 'yes', begin: delivery.end + 1, end: delivery.end + 2 });
      }),
  },
  {
    name: 'an event came again after its settlement was confirmed, at a takeover',
    kind: 'repeat-after-settlement',
    plant: (history, draw) =>
      change(draw, plain(history, 'contracts-pulled'), (delivery) => {
        const again = { begin: delivery.end + 1, end: delivery.end + 2, settlement: 'unknown' } as const;
        history.add({ ...delivery, ...again, redelivery: 'maybe' });
        history.add({ line: 'fault', kind: 'kill', target: 'gateway-1', begin: delivery.end, end: delivery.end });
      }),
  },
];
