import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Grant } from '../../queues/lease-book.js';
import { Flight } from './flight.js';
import type { DeliverySource } from './source.js';

const sources = ['one', 'other'].map((name) => ({ name }) as DeliverySource);
const selection = { qos: 1, identifiers: [], retainAsPublished: false } as const;

function flying(token: string, from = 0) {
  return { source: sources[from]!, grant: { token } as Grant, selection, since: 0 };
}

type Step = { kind: 'add'; from: number } | { kind: 'end'; at: number } | { kind: 'drop'; from: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('add' as const), from: fc.integer({ min: 0, max: 1 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('end' as const), at: fc.integer({ min: 0, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), from: fc.integer({ min: 0, max: 1 }) }) },
);

it('an id is out once at a time, each ends once, and those that are out keep the order they were written in', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const flight = new Flight();
      let model: { packetId: number; token: string; from: number }[] = [];
      for (const [number, one] of steps.entries()) {
        if (one.kind === 'add') {
          const token = `t${number}`;
          const { packetId } = flight.add(flying(token, one.from));
          expect(model.map((known) => known.packetId)).not.toContain(packetId);
          expect(packetId).toBeGreaterThan(0);
          model.push({ packetId, token, from: one.from });
        } else if (one.kind === 'end') {
          const known = model[one.at];
          expect(flight.end(known?.packetId ?? 65_535)?.grant.token).toBe(known?.token);
          if (known !== undefined) expect(flight.end(known.packetId)).toBeUndefined();
          model = model.filter((entry) => entry !== known);
        } else {
          const dropped = flight.drop(sources[one.from]!).map(({ grant }) => grant.token);
          expect(dropped).toEqual(model.filter(({ from }) => from === one.from).map(({ token }) => token));
          model = model.filter(({ from }) => from !== one.from);
        }
        expect(flight.all.map(({ grant }) => grant.token)).toEqual(model.map(({ token }) => token));
        expect(flight.size).toBe(model.length);
        expect(flight.oldest?.grant.token).toBe(model[0]?.token);
      }
    }),
  );
});

it('ids begin again at 1 after 65,535, past those that are still out', () => {
  const flight = new Flight();
  const stays = flight.add(flying('stays'));
  expect(stays.packetId).toBe(1);
  for (let n = 2; n <= 65_535; n += 1) flight.end(flight.add(flying('goes')).packetId);
  expect(flight.add(flying('next')).packetId).toBe(2);
});
