import type { PublishLine } from '../history.js';
import { type Defect, type Planting, change, fresh, isOf } from './planting.js';

const acknowledgedOnce = (history: Planting): PublishLine[] => {
  const single = new Set(history.single('contract').map(({ id }) => id));
  return history.all('publish', ({ id, outcome }) => outcome === 'acknowledged' && single.has(id));
};
export const inTheLog: readonly Defect[] = [
  {
    name: 'an acknowledged publish is not in the log',
    kind: 'publish-lost',
    plant: (history, draw) =>
      change(draw, acknowledgedOnce(history), ({ id }) => history.remove((line) => isOf(id)(line))),
  },
  {
    name: 'two publishes were acknowledged at one position',
    kind: 'position-taken',
    plant: (history, draw) =>
      change(draw, acknowledgedOnce(history), (call) => {
        const other = history.all('record', ({ topic, id }) => topic === call.topic && id !== call.id)[0]!;
        Object.assign(call, { partition: other.partition, offset: other.offset });
      }),
  },
  {
    name: 'a record is there that nobody published',
    kind: 'record-phantom',
    plant: (history, draw) =>
      change(
        draw,
        history.all('record', ({ topic }) => topic === 'contract'),
        (record) => history.add({ ...record, ...fresh, offset: 9999 }),
      ),
  },
  {
    name: 'a refused publish was appended',
    kind: 'refused-appended',
    plant: (history, draw) =>
      change(draw, acknowledgedOnce(history), ({ id }) => {
        for (const call of history.all('publish', (line) => line.id === id)) call.outcome = 'refused';
      }),
  },
  {
    name: 'the log has other data than was published',
    kind: 'record-altered',
    plant: (history, draw) => change(draw, history.single('contract'), (record) => (record.content = 'other data')),
  },
  {
    name: 'a publish that was acknowledged first stands second',
    kind: 'log-reordered',
    plant: (history, draw) => {
      const calls = acknowledgedOnce(history);
      const pairs = calls.flatMap((one) =>
        calls.filter((other) => other.key === one.key && one.end < other.begin).map((other) => [one, other] as const),
      );
      return change(draw, pairs, ([one, other]) => {
        const [a] = history.all('record', ({ id }) => id === one.id);
        const [b] = history.all('record', ({ id }) => id === other.id);
        [a!.offset, b!.offset] = [b!.offset, a!.offset];
      });
    },
  },
  {
    name: 'a key has changed its partition',
    kind: 'key-moved',
    plant: (history, draw) => {
      const keys = Map.groupBy(history.all('record'), ({ key }) => key);
      const several = [...keys.values()].filter((records) => records.length > 1);
      return change(draw, several, (records) => Object.assign(draw.one(records), { partition: 7, offset: 0 }));
    },
  },
  {
    name: 'an event was appended again with other bytes',
    kind: 'record-mutated',
    plant: (history, draw) =>
      change(draw, history.all('record'), (record) => history.add({ ...record, offset: 9999, bytes: 'other bytes' })),
  },
];
