import { HeddleError } from '@heddle/event';
import { describe, expect, it } from 'vitest';
import { sessionQueue, shareQueue } from './session-name.js';
import { Subscriptions } from './subscriptions.js';
import { addressOf, readFilter, topicOfAddress } from './topic-filters.js';

describe('topic filters', () => {
  it('are those of MQTT, in the wildcards of SAP', () => {
    expect(readFilter('ns/a/b/ce/+/x/#')).toEqual({ kind: 'topics', patterns: ['ns/a/b/ce/+/x/*', 'ns/a/b/ce/+/x'] });
    expect(readFilter('#')).toEqual({ kind: 'topics', patterns: ['*'] });
    expect(readFilter('topic:a/b')).toEqual({ kind: 'topics', patterns: ['a/b'] });
    expect(readFilter('queue:orders')).toEqual({ kind: 'queue', name: 'orders' });
    expect(readFilter('$share/group/a/#')).toEqual({
      kind: 'shared',
      group: 'group',
      filter: 'a/#',
      patterns: ['a/*', 'a'],
    });
  });

  it.each([
    '',
    '$SYS/#',
    '$SYS',
    '$share/g',
    '$share//a',
    '$share/g/',
    '$share/g+/a',
    'a/#/b',
    'a+/b',
    'a//b',
    '/a',
    'a b',
  ])('%j is refused', (filter) => {
    expect(() => readFilter(filter)).toThrow(HeddleError);
  });

  it('topics are addresses, and back', () => {
    for (const [topic, address] of [
      ['a/b', 'topic:a/b'],
      ['queue:orders', 'queue:orders'],
    ] as const) {
      expect(addressOf(topic)).toBe(address);
      expect(topicOfAddress(address)).toBe(topic);
    }
    expect(addressOf('topic:a/b')).toBe('topic:a/b');
  });
});

describe('subscriptions', () => {
  it('that overlap give a message once, of the highest quality, with the identifier of each', () => {
    const subscriptions = new Subscriptions();
    subscriptions.put({ filter: 'a/#', qos: 0, identifier: 1, noLocal: true });
    const first = { qos: 0, identifiers: [1], retainAsPublished: false, own: null };
    expect(subscriptions.select('a/b')).toEqual(first);
    subscriptions.put({ filter: 'a/+', qos: 1, identifier: 2, retainAsPublished: true });
    // Of what the session has published itself, only the one that wants it counts.
    const own = { qos: 1, identifiers: [2], retainAsPublished: true };
    expect(subscriptions.select('a/b')).toEqual({ ...own, identifiers: [1, 2], own });
    expect(subscriptions.select('a/b/c')).toEqual(first);
    expect(subscriptions.select('b')).toBeUndefined();
  });

  it('replace the one of the same filter, and are gone when they end', () => {
    const subscriptions = new Subscriptions([{ filter: 'a/b', qos: 0 }]);
    subscriptions.put({ filter: 'a/b', qos: 1 });
    expect(subscriptions.stored).toEqual([{ filter: 'a/b', qos: 1 }]);
    expect(subscriptions.delete('a/b')).toBe(true);
    expect(subscriptions.delete('a/b')).toBe(false);
    expect(subscriptions.select('a/b')).toBeUndefined();
  });

  it('to queues and of groups select nothing from the queue of the session', () => {
    const subscriptions = new Subscriptions();
    subscriptions.put({ filter: 'queue:orders', qos: 1 });
    subscriptions.put({ filter: '$share/g/a/#', qos: 1 });
    expect(subscriptions.patterns).toEqual([]);
    expect(subscriptions.select('a/b')).toBeUndefined();
  });
});

describe('the queue of a session', () => {
  it('has the names of client and client id, where they can be names', () => {
    expect(sessionQueue('shop', 'till-4')).toBe('mqtt-session/shop/till-4');
    expect(shareQueue('shop', 'group', 'a/#')).toMatch(/^mqtt-share\/shop\/group\/x-[\w-]{22}$/);
  });

  it('is another one for every other client id, whatever it is made of', () => {
    const ids = ['a', 'A', 'a/b', 'a b', 'ä', 'x-1', '', '.', 'a'.repeat(200), 'a'.repeat(201), '../a', 'sb!x|y'];
    const names = ids.map((id) => sessionQueue('c', id));
    expect(new Set(names).size).toBe(ids.length);
    for (const name of names) expect(name).toMatch(/^mqtt-session\/c\/[\w-][\w.-]{0,63}$/);
    expect(sessionQueue('c', ids[5]!)).not.toBe(sessionQueue('c', names[5]!.split('/')[2]!));
  });
});
