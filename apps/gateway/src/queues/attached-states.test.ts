import { HeddleError } from '@heddle/event';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ObjectAnswer } from '../fetch/objects.js';
import { DispatchedEvent } from '../represent.js';
import { AttachedStates } from './attached-states.js';

describe('states of objects', () => {
  let asked: string[];
  let answer: (key: string, version: number) => ObjectAnswer;
  let states: AttachedStates;

  beforeEach(() => {
    asked = [];
    answer = (key, version) => ({
      kind: 'state',
      version: version + 1,
      etag: '',
      body: Buffer.from(`{"key":"${key}"}`),
    });
    states = new AttachedStates({
      fetch: (object, key, version) => {
        asked.push(`${object}/${key}@${version}`);
        return Promise.resolve().then(() => answer(key, version ?? 0));
      },
    });
  });

  function eventAbout(dataref: string | undefined): DispatchedEvent {
    const attributes = { id: 'e', source: '/test', type: 'test', ...(dataref === undefined ? {} : { dataref }) };
    const stored = { attributes, value: Buffer.alloc(0), topic: 't', partition: 0, offset: 0, key: 'k' };
    return new DispatchedEvent({ ...stored, appendedAt: 0, data: null }, 1, '', '');
  }

  it('come with the version the owner answered with, and are fetched once for all who ask', async () => {
    const event = eventAbout('/v1/objects/sales-order/a%2Fb?version=3');
    const all = await Promise.all([states.of(event), states.of(event)]);
    all.push(await states.of(event));
    expect(new Set(all)).toEqual(new Set(['{"version":4,"data":{"key":"a/b"}}']));
    expect(asked).toEqual(['sales-order/a/b@3']);
  });

  it('of another version are another fetch, and a deleted object is said to be', async () => {
    await states.of(eventAbout('/v1/objects/sales-order/1?version=3'));
    answer = (_key, version) => ({ kind: 'tombstone', version, etag: '', body: Buffer.alloc(0) });
    expect(await states.of(eventAbout('/v1/objects/sales-order/1?version=4'))).toBe('{"version":4,"deleted":true}');
  });

  it('are left out where an event refers to nothing that is served here', async () => {
    expect(await states.of(eventAbout(undefined))).toBeUndefined();
    expect(await states.of(eventAbout('https://elsewhere.example.com/1?version=1'))).toBeUndefined();
    expect(asked).toEqual([]);
    answer = () => {
      throw new HeddleError('not-found', 'not served');
    };
    expect(await states.of(eventAbout('/v1/objects/contract/1?version=1'))).toBeUndefined();
  });

  it('that cannot be had fail, and are asked for again the next time', async () => {
    const event = eventAbout('/v1/objects/sales-order/1?version=3');
    const works = answer;
    answer = () => {
      throw new HeddleError('object-behind', 'not yet');
    };
    await expect(states.of(event)).rejects.toThrow('not yet');
    answer = () => ({ kind: 'state', version: 3, etag: '', body: Buffer.from('<html>') });
    await expect(states.of(event)).rejects.toThrow('no JSON');
    answer = works;
    expect(await states.of(event)).toContain('"version":4');
  });

  it('are kept within a bound: those fetched longest ago are fetched again', async () => {
    const large = 'x'.repeat(9 * 1024 * 1024);
    answer = (key, version) => ({
      kind: 'state',
      version,
      etag: '',
      body: Buffer.from(JSON.stringify({ key, large })),
    });
    const about = (key: number): DispatchedEvent => eventAbout(`/v1/objects/sales-order/${key}?version=1`);
    for (const key of [1, 2, 3, 4, 4, 1]) await states.of(about(key));
    expect(asked.map((one) => one.slice('sales-order/'.length))).toEqual(['1@1', '2@1', '3@1', '4@1', '1@1']);
  });
});
