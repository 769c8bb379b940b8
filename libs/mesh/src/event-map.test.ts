import type { StoredEvent } from '@heddle/event';
import { expect, expectTypeOf, it } from 'vitest';
import type { AnyEvents, EventFor, RaiseOf } from './event-map.js';
import type { Mesh } from './mesh.js';

interface Drawn {
  Number: string;
}
interface Struck {
  Reason: string;
}
interface BillEvents {
  'heddle.bill.v1.Bill.Drawn.v1': Drawn;
  'heddle.bill.v1.Bill.Struck.v1': Struck;
}

const raise = { key: '1', version: 1 };

it('an event is raised with the data of its type, and with no other', () => {
  const drawn = { ...raise, type: 'heddle.bill.v1.Bill.Drawn.v1', data: { Number: '1' } } as const;
  expectTypeOf(drawn).toExtend<RaiseOf<BillEvents>>();
  // @ts-expect-error -- these are the data of another type
  const swapped: RaiseOf<BillEvents> = { ...drawn, data: { Reason: 'paid' } };
  // @ts-expect-error -- there is no such type
  const unknown: RaiseOf<BillEvents> = { ...drawn, type: 'heddle.bill.v1.Bill.Lost.v1' };
  const anything: RaiseOf<AnyEvents> = { ...drawn, type: 'heddle.bill.v1.Bill.Lost.v1', data: 7 };
  expect([swapped, unknown, anything]).toHaveLength(3);
});

it('a handler gets the data of the type it names, of all types of its wildcard, or of any', () => {
  type Of<P extends string> = EventFor<BillEvents, P>['data'];
  expectTypeOf<Of<'heddle.bill.v1.Bill.Drawn.v1'>>().toEqualTypeOf<Drawn>();
  expectTypeOf<Of<'heddle.bill.v1.*'>>().toEqualTypeOf<Drawn | Struck>();
  expectTypeOf<Of<'*'>>().toEqualTypeOf<Drawn | Struck>();
  expectTypeOf<EventFor<BillEvents, 'sap.s4.*'>>().toEqualTypeOf<StoredEvent>();
  expectTypeOf<EventFor<AnyEvents, 'heddle.bill.v1.*'>>().toEqualTypeOf<StoredEvent>();
  const handlers = (mesh: Mesh<BillEvents>): void => {
    mesh.handle('heddle.bill.v1.Bill.Struck.v1', (event) => void event.data.Reason.length);
    // @ts-expect-error -- a drawn bill has no reason
    mesh.handle('heddle.bill.v1.Bill.Drawn.v1', (event) => void event.data.Reason);
  };
  expect(handlers).toBeInstanceOf(Function);
});
