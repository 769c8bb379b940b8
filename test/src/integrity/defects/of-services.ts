import type { ChangeLine, ObjectLine, RecordLine } from '../history.js';
import { type Defect, type Planting, change, fresh, isOf } from './planting.js';

const lastOf = (history: Planting, { key }: ObjectLine): RecordLine =>
  history
    .all('record', (line) => line.key === key)
    .reduce((one, other) => (other.sequence! > one.sequence! ? other : one));

export const ofServices: readonly Defect[] = [
  {
    name: 'a committed event was never appended',
    kind: 'raised-lost',
    plant: (history, draw) =>
      change(draw, history.all('object'), (object) => {
        const { id } = lastOf(history, object);
        history.remove(isOf(id));
      }),
  },
  {
    name: 'an event was appended whose transaction was rolled back',
    kind: 'raised-phantom',
    plant: (history, draw) =>
      change(draw, history.all('object'), (object) => {
        const last = lastOf(history, object);
        history.add({ ...last, ...fresh, sequence: last.sequence! + 1, offset: 9999 });
      }),
  },
  {
    name: 'an order has events and does not exist',
    kind: 'raised-phantom',
    plant: (history, draw) =>
      change(draw, history.all('object'), (object) => history.remove((line) => line === object)),
  },
  {
    name: 'an event in the middle is missing',
    kind: 'sequence-gap',
    plant: (history, draw) =>
      change(
        draw,
        history.all('object', ({ events }) => events > 2),
        ({ key }) => {
          const [middle] = history.all('record', (line) => line.key === key && line.sequence === 2);
          history.remove(isOf(middle!.id));
        },
      ),
  },
  {
    name: 'two events of an object have one number',
    kind: 'sequence-twice',
    plant: (history, draw) =>
      change(draw, history.all('object'), (object) => {
        const last = lastOf(history, object);
        history.add({ ...last, ...fresh, offset: 9999 });
      }),
  },
  {
    name: 'a relay has appended an earlier event first after a later one',
    kind: 'sequence-backwards',
    plant: (history, draw) => {
      const single = new Set(history.single('sales-order').map(({ id }) => id));
      const objects = history.all('object', ({ key, events }) => events > 2 && single.has(`${key}#2`));
      return change(draw, objects, ({ key }) => {
        const [second] = history.all('record', ({ id }) => id === `${key}#2`);
        second!.offset = 9999;
      });
    },
  },
  {
    name: 'an acknowledged change is not in the database',
    kind: 'change-lost',
    plant: (history, draw) => {
      const acknowledged = (line: ChangeLine): boolean => line.outcome === 'acknowledged' && line.version !== undefined;
      return change(draw, history.all('change', acknowledged), ({ key, version = 0 }) => {
        for (const object of history.all('object', (line) => line.key === key)) object.version = version - 1;
      });
    },
  },
  {
    name: 'a refused change is in the database',
    kind: 'change-phantom',
    plant: (history, draw) =>
      change(draw, history.all('object'), (object) => {
        for (const line of history.all('change', ({ key }) => key === object.key)) {
          if (line.version !== undefined && line.version >= object.version) line.outcome = 'refused';
        }
      }),
  },
];
