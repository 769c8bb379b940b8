import type { DeliveryLine, FinalLine } from '../history.js';
import { type Defect, type Planting, change, isFirstPassage, plain } from './planting.js';

const finals = (history: Planting, state: FinalLine['state'], queue?: string): FinalLine[] =>
  history.all('final', (line) => line.state === state && isFirstPassage(line) && (queue ?? line.queue) === line.queue);

export const atTheEnd: readonly Defect[] = [
  {
    name: 'an accepted event is a dead letter, too',
    kind: 'two-final-states',
    plant: (history, draw) =>
      change(draw, finals(history, 'accepted'), (final) =>
        history.add({ ...final, state: 'dead', reason: 'status 503' }),
      ),
  },
  {
    name: 'an event was given up twice',
    kind: 'two-final-states',
    plant: (history, draw) =>
      change(draw, finals(history, 'dead'), (final) => history.add({ ...final, attempts: final.attempts + 1 })),
  },
  {
    name: 'the settlements of two leases of an event were confirmed',
    kind: 'settled-twice',
    plant: (history, draw) =>
      change(draw, plain(history, 'contracts-pulled'), (delivery) =>
        history.add({ ...delivery, receiver: 'pull-9', attempt: 2, redelivery: 'yes', begin: delivery.begin + 1 }),
      ),
  },
  {
    name: 'a dead letter has no reason',
    kind: 'dead-without-reason',
    plant: (history, draw) => change(draw, finals(history, 'dead'), (final) => (final.reason = ' ')),
  },
  {
    name: 'an event was given up before its attempts were used up',
    kind: 'dead-too-early',
    plant: (history, draw) =>
      change(draw, finals(history, 'dead', 'contracts-unordered'), (final) => {
        final.attempts = 2;
        for (const delivery of history.passage(final)) if (delivery.answer === 'reject') delivery.answer = 'release';
      }),
  },
  {
    name: 'a dead letter has lost its bytes',
    kind: 'dead-altered',
    plant: (history, draw) => change(draw, finals(history, 'dead'), (final) => (final.bytes = 'other bytes')),
  },
  {
    name: 'an event counts as accepted although nobody answered 2xx',
    kind: 'accepted-unanswered',
    plant: (history, draw) =>
      change(draw, plain(history), (delivery) => {
        delivery.answer = 'cut';
        history.add({ ...finalOf(history, delivery), state: 'accepted' });
      }),
  },
  {
    name: 'a redriven event was never delivered again',
    kind: 'cycle-undelivered',
    plant: (history, draw) =>
      change(draw, history.all('cycle'), ({ queue, cycle, ids }) => {
        const id = draw.one(ids);
        history.remove(
          (line) => 'cycle' in line && 'id' in line && line.cycle === cycle && line.queue === queue && line.id === id,
        );
      }),
  },
  {
    name: 'a replay that nobody asked for',
    kind: 'cycle-phantom',
    plant: (history, draw) =>
      change(draw, plain(history), (delivery) => history.add({ ...delivery, cycle: 'replay-of-nobody' })),
  },
  {
    name: 'progress went back within an epoch',
    kind: 'progress-backwards',
    plant: (history, draw) =>
      change(
        draw,
        history.all('progress', ({ contiguous }) => contiguous > 0),
        (line) => history.add({ ...line, contiguous: line.contiguous - 1, at: line.at + 0.5 }),
      ),
  },
  {
    name: 'a purge was undone',
    kind: 'progress-backwards',
    plant: (history, draw) =>
      change(draw, history.all('progress'), (line) => {
        line.positionEpoch = 1;
        history.add({ ...line, positionEpoch: 0, at: line.at + 0.5 });
      }),
  },
  {
    name: 'a fetch gave a state older than the notification',
    kind: 'stale-fetch',
    plant: (history, draw) =>
      change(
        draw,
        history.all('fetch', ({ status }) => status === 200),
        (fetch) => (fetch.version = fetch.notified - 1),
      ),
  },
  {
    name: 'a process died by itself',
    kind: 'unexpected-exit',
    plant: (history) =>
      history.add({ line: 'exit', process: 'gateway-1', code: 1, signal: null, wanted: false, at: 5 }),
  },
];

function finalOf(history: Planting, { queue, id }: DeliveryLine): FinalLine {
  return history.all('final', (line) => line.queue === queue && line.id === id && isFirstPassage(line))[0]!;
}
