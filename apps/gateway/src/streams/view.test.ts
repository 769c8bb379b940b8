import type { StoredEvent } from '@heddle/event';
import { expect, it } from 'vitest';
import { callerFor } from '../identity/identity-trial.js';
import { DispatchedEvent } from '../represent.js';
import { viewOf } from './view.js';

const mask = { masked: (stored: StoredEvent): StoredEvent => ({ ...stored, data: { Name: '…' } }) };

function eventOf(type: string): DispatchedEvent {
  const stored = {
    topic: 'contract',
    partition: 0,
    offset: 0,
    key: 'K',
    appendedAt: 0,
    value: new Uint8Array(0),
    attributes: { id: 'e1', source: '/test', type },
    data: { Name: 'canary' },
  };
  return new DispatchedEvent(stored, 1, '1~contract=1', 'http://gateway.test');
}

const seen = (permissions: string[], type: string): unknown =>
  viewOf(callerFor('local', permissions), mask).of(eventOf(type)).stored.data;

it('what is personal is seen by those who may see it in that type, and masked for the others', () => {
  const some = ['consume:type:*', 'unmask:type:a.*'];
  expect(seen(some, 'a.One')).toEqual({ Name: 'canary' });
  expect(seen(some, 'b.One')).toEqual({ Name: '…' });
  expect(seen(['consume:type:*'], 'a.One')).toEqual({ Name: '…' });
  expect(seen(['*'], 'b.One')).toEqual({ Name: 'canary' });
});

it('those who see alike share a name, and nobody else does', () => {
  const name = (...permissions: string[]) => viewOf(callerFor('local', permissions), mask).name;
  expect(name('consume:type:*', 'unmask:type:b', 'unmask:type:a')).toBe(name('unmask:type:a', 'unmask:type:b'));
  expect(new Set([name('*'), name('consume:type:*'), name('unmask:type:a')]).size).toBe(3);
});
