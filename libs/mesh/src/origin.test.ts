import { expect, it } from 'vitest';
import { originOf } from './origin.js';

it('a change carries the correlation, the cause and the trace of its request on', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  expect(originOf({ 'x-correlation-id': 'a', 'x-causation-id': 'b', traceparent })).toEqual({
    correlationId: 'a',
    causationId: 'b',
    traceparent,
  });
});

it('what is empty or no trace counts as not sent', () => {
  expect(originOf({ 'x-correlation-id': '', traceparent: '00-0AF7-b7-01' })).toEqual({});
});
