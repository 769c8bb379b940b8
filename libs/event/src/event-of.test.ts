import { describe, expect, expectTypeOf, it } from 'vitest';
import { type EventOf, type TypesMatching, isEventOf } from './event-of.js';
import type { StoredEvent } from './stored-event.js';

interface Created {
  Order: string;
}
interface Changed {
  Order: string;
  By: string | null;
}
interface OrderEvents {
  'order.v1.Created': Created;
  'order.v1.Changed': Changed;
  'order.v2.Created': Created & { Channel: string };
}

const event: StoredEvent = {
  topic: 't',
  partition: 0,
  offset: 0,
  key: 'k',
  appendedAt: 0,
  attributes: { id: '1', source: '/t', type: 'order.v1.Changed' },
  value: new Uint8Array(),
  data: { Order: '1', By: 'me' },
};

describe('the type of an event', () => {
  it('has the data that the map of its object says, by type or by pattern', () => {
    expectTypeOf<EventOf<OrderEvents, 'order.v1.Created'>['data']>().toEqualTypeOf<Created>();
    expectTypeOf<EventOf<OrderEvents, 'order.v1.*'>['data']>().toEqualTypeOf<Created | Changed>();
    expectTypeOf<TypesMatching<OrderEvents, 'order.*'>>().toEqualTypeOf<keyof OrderEvents>();
    expectTypeOf<EventOf<OrderEvents>['attributes']['type']>().toEqualTypeOf<keyof OrderEvents>();
    // Whatever takes any event takes a typed one.
    expectTypeOf<EventOf<OrderEvents, 'order.v1.Created'>>().toExtend<StoredEvent>();
    // A type that is none has no event.
    expectTypeOf<EventOf<OrderEvents, 'order.v1.Craeted'>>().toBeNever();
  });

  it('is told apart by the type attribute', () => {
    const one = event as EventOf<OrderEvents, 'order.v1.*'>;
    expect(isEventOf(one, 'order.v1.Created')).toBe(false);
    expect(isEventOf(one, 'order.v1.Changed')).toBe(true);
    // @ts-expect-error -- no type of the pattern
    expect(isEventOf(one, 'order.v2.Created')).toBe(false);
    if (isEventOf(one, 'order.v1.Changed')) {
      expectTypeOf(one.data).toEqualTypeOf<Changed>();
      expect(one.data.By).toBe('me');
    }
  });
});
