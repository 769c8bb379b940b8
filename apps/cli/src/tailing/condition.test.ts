import { expect, it } from 'vitest';
import { conditionOf } from './condition.js';

const EVENT = {
  type: 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1',
  subject: '4711',
  data: { NetAmount: '1000.50', Count: 3, Items: [{ Material: 'TG11' }], Note: null },
};

it.each([
  ['subject=4711', true],
  ['subject=4712', false],
  ['subject!=4712', true],
  ['correlationid!=any', true],
  ['correlationid=any', false],
  ['type^=sap.s4.beh.salesorder.', true],
  ['type$=.Created.v1', true],
  ['type*=SalesOrder.', true],
  ['data.NetAmount>=1000', true],
  ['data.NetAmount>1000.50', false],
  ['data.NetAmount<=1000.5', true],
  ['data.Count<20', true],
  ['data.Items.0.Material=TG11', true],
  ['data.Note=null', true],
  ['data.Note>0', false],
  ['data.Nothing<5', false],
  ['data.__proto__.x=1', false],
  ['subject = 4711', true],
  ['data.Items*="Material":"TG11"', true],
])('%s holds: %s', (expression, holds) => {
  expect(conditionOf(expression)(EVENT)).toBe(holds);
});

it('texts that are no numbers are compared as texts, so that times have an order', () => {
  expect(conditionOf('time>2026-01-01')({ time: '2026-01-31T12:00:00Z' })).toBe(true);
  expect(conditionOf('time<2026-01-01')({ time: '2026-01-31T12:00:00Z' })).toBe(false);
});
