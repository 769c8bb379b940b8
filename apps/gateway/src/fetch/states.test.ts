import { HeddleError, type StoredEvent } from '@heddle/event';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ObjectAnswer } from './objects.js';
import { States } from './states.js';

describe('states of objects', () => {
  let asked: string[];
  let answer: (key: string, version: number) => ObjectAnswer | Promise<ObjectAnswer>;
  let states: States;

  beforeEach(() => {
    asked = [];
    answer = (key, version) => stateOf(version + 1, { key });
    states = new States({
      typesOf: () => ['test'],
      fetch: async (tenant, object, key, version) => {
        asked.push(`${tenant === 'local' ? '' : `${tenant}: `}${object}/${key}@${version ?? ''}`);
        await Promise.resolve();
        return answer(key, version ?? 0);
      },
    });
    return () => void vi.useRealTimers();
  });

  function stateOf(version: number, object: unknown): ObjectAnswer {
    return { kind: 'state', version, etag: '', body: Buffer.from(JSON.stringify(object)) };
  }

  function eventAbout(dataref: string | undefined, topic = 't'): StoredEvent {
    const attributes = { id: 'e', source: '/test', type: 'test', ...(dataref === undefined ? {} : { dataref }) };
    const stored = { attributes, value: Buffer.alloc(0), topic, partition: 0, offset: 0, key: 'k' };
    return { ...stored, appendedAt: 0, data: null };
  }

  async function jsonAbout(dataref: string | undefined): Promise<unknown> {
    const state = await states.of(eventAbout(dataref), () => true);
    return state === null ? null : JSON.parse(state.json);
  }

  it('are fetched once for however many ask, and come with the version the owner answered with', async () => {
    const all = await Promise.all(
      Array.from({ length: 100 }, () => jsonAbout('/v1/objects/sales-order/a%2Fb?version=3')),
    );
    all.push(await jsonAbout('/v1/objects/sales-order/a%2Fb?version=3'));
    for (const one of all) expect(one).toEqual({ version: '4', object: { key: 'a/b' } });
    expect(asked).toEqual(['sales-order/a/b@3']);
  });

  it('are never older than the event says: what is kept serves earlier versions, a later one is fetched', async () => {
    answer = (key, version) => stateOf(version, { key });
    await jsonAbout('/v1/objects/sales-order/1?version=5');
    expect(await jsonAbout('/v1/objects/sales-order/1?version=4')).toMatchObject({ version: '5' });
    expect(await jsonAbout('/v1/objects/sales-order/1?version=6')).toMatchObject({ version: '6' });
    expect(asked).toEqual(['sales-order/1@5', 'sales-order/1@6']);
  });

  it('are the newest that came, whichever answer came last', async () => {
    let late = (): void => undefined;
    answer = async (key, version) => {
      if (version === 3) await new Promise<void>((resolve) => (late = resolve));
      return stateOf(version, { key });
    };
    const first = jsonAbout('/v1/objects/sales-order/1?version=3');
    await jsonAbout('/v1/objects/sales-order/1?version=9');
    late();
    expect(await first).toMatchObject({ version: '9' });
    expect(await jsonAbout('/v1/objects/sales-order/1?version=8')).toMatchObject({ version: '9' });
  });

  it('of a deleted object are a tombstone with its version', async () => {
    answer = (_key, version) => ({ kind: 'tombstone', version, etag: '', body: Buffer.alloc(0) });
    expect(await jsonAbout('/v1/objects/sales-order/1?version=4')).toEqual({ version: '4', gone: true });
  });

  it('are null where an event refers to nothing that is served here', async () => {
    for (const dataref of [
      undefined,
      'https://elsewhere.example.com/1?version=1',
      '/v1/objects/sales-order/%E0?version=1',
    ]) {
      expect(await jsonAbout(dataref)).toBeNull();
    }
    expect(asked).toEqual([]);
    answer = () => {
      throw new HeddleError('not-found', 'not served');
    };
    expect(await jsonAbout('/v1/objects/contract/1?version=1')).toBeNull();
  });

  it('are those of the tenant that its event is of', async () => {
    const dataref = '/v1/objects/sales-order/1?version=1';
    for (const topic of ['acme.sales-order', 'sales-order', 'acme.sales-order']) {
      await states.of(eventAbout(dataref, topic), () => true);
    }
    expect(asked).toEqual(['acme: sales-order/1@1', 'sales-order/1@1']);
  });

  it('are not fetched without the right to one of the types that are about the object, whatever the event is', async () => {
    const dataref = '/v1/objects/sales-order/1?version=1';
    expect(await states.of(eventAbout(dataref), () => true)).not.toBeNull();
    // Kept, and still not for everybody.
    expect(await states.of(eventAbout(dataref), (type) => type !== 'test')).toBeNull();
    expect(asked).toHaveLength(1);
  });

  it('that cannot be had fail, and are asked for again the next time', async () => {
    const dataref = '/v1/objects/sales-order/1?version=3';
    const works = answer;
    answer = () => {
      throw new HeddleError('object-behind', 'not yet');
    };
    await expect(jsonAbout(dataref)).rejects.toThrow('not yet');
    answer = () => ({ kind: 'state', version: 3, etag: '', body: Buffer.from('<html>') });
    await expect(jsonAbout(dataref)).rejects.toThrow('no JSON');
    answer = works;
    expect(await jsonAbout(dataref)).toMatchObject({ version: '4' });
  });

  it('are kept within a bound of bytes: those fetched longest ago are fetched again', async () => {
    const large = 'x'.repeat(9 * 1024 * 1024);
    answer = (key, version) => stateOf(version, { key, large });
    for (const key of [1, 2, 3, 4, 4, 1]) await jsonAbout(`/v1/objects/sales-order/${key}?version=1`);
    expect(asked.map((one) => one.slice('sales-order/'.length))).toEqual(['1@1', '2@1', '3@1', '4@1', '1@1']);
  });

  it('are kept for half a minute', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    await jsonAbout('/v1/objects/sales-order/1?version=1');
    vi.advanceTimersByTime(29_000);
    await jsonAbout('/v1/objects/sales-order/1?version=1');
    expect(asked).toHaveLength(1);
    vi.advanceTimersByTime(2000);
    await jsonAbout('/v1/objects/sales-order/1?version=1');
    expect(asked).toHaveLength(2);
  });

  it('are asked for sixteen at a time of one kind; one that hangs holds up no other kind', async () => {
    const hanging: (() => void)[] = [];
    answer = async (key, version) => {
      if (key.startsWith('slow')) await new Promise<void>((resolve) => hanging.push(resolve));
      return stateOf(version, { key });
    };
    const slow = Array.from({ length: 20 }, (_, n) => jsonAbout(`/v1/objects/sales-order/slow${n}?version=1`));
    expect(await jsonAbout('/v1/objects/business-partner/1?version=1')).toMatchObject({ version: '1' });
    expect(hanging).toHaveLength(16);
    for (let ended = 0; ended < 20; ended += 1) {
      await vi.waitFor(() => expect(hanging.length).toBeGreaterThan(ended), { timeout: 10_000 });
      hanging[ended]!();
    }
    expect(await Promise.all(slow)).toHaveLength(20);
  });

  it('are not asked for while their owner, which did not answer, rests; an answer of no use is no reason to', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const works = answer;
    answer = () => {
      throw new HeddleError('owner-unavailable', 'answered with 500');
    };
    await expect(jsonAbout('/v1/objects/sales-order/1?version=1')).rejects.toThrow('answered with 500');
    answer = () => {
      throw new HeddleError('owner-unavailable', 'silent', { cause: new Error('connect ECONNREFUSED') });
    };
    await expect(jsonAbout('/v1/objects/sales-order/1?version=1')).rejects.toThrow('silent');
    answer = works;
    await expect(jsonAbout('/v1/objects/sales-order/2?version=1')).rejects.toThrow('a moment ago');
    expect(asked).toHaveLength(2);
    vi.advanceTimersByTime(250);
    expect(await jsonAbout('/v1/objects/sales-order/2?version=1')).toMatchObject({ version: '2' });
  });
});
