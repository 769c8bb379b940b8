import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TYPE, Trial } from './trial.js';

describe('the outbox', () => {
  let trial: Trial;

  beforeEach(async () => {
    trial = await Trial.open(1000);
  });

  afterEach(async () => {
    await trial.close();
  });

  const raise = (raises: { key: string; text?: string; type?: string; correlationId?: string }[]) =>
    trial.db.transaction().execute((tx) =>
      trial.outbox.raise(
        tx,
        raises.map(({ key, text = '', type = TYPE, ...rest }) => ({
          type,
          key,
          data: { Account: key, Booking: '1', Text: text },
          version: 7,
          ...rest,
        })),
      ),
    );

  it('stores the attributes of CloudEvents, with the key in its canonical form and a reference to the version', async () => {
    trial.relay();
    await raise([{ key: '00042 ', correlationId: 'c' }, { key: 'ä/b' }]);
    await vi.waitFor(() => expect(trial.log.records).toHaveLength(2), { timeout: 10_000 });
    const byKey = new Map(trial.log.records.map((record) => [record.key, record.attributes]));
    expect(byKey.get('42')).toMatchObject({
      source: '/test/account',
      type: TYPE,
      subject: '42',
      partitionkey: '42',
      sequence: '000000000001',
      datacontenttype: 'application/avro',
      dataref: '/v1/objects/account/42?version=7',
      correlationid: 'c',
    });
    expect(byKey.get('42')).not.toHaveProperty('dataschema');
    expect(byKey.get('42')?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(byKey.get('42')?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(byKey.get('ä/b')?.dataref).toBe('/v1/objects/account/%C3%A4%2Fb?version=7');
  });

  it('numbers the events of one call in their order, each key on its own', async () => {
    trial.relay();
    await raise(['b', 'a', 'b', 'c', 'a', 'b'].map((key, index) => ({ key, text: String(index) })));
    await vi.waitFor(() => expect(trial.log.records).toHaveLength(6), { timeout: 10_000 });
    const texts = (key: string) =>
      trial.log.records
        .filter((record) => record.key === key)
        .map(({ sequence, value }) => [sequence, (trial.codec.decode(value).data as { Text: string }).Text]);
    expect(texts('a')).toEqual([
      [1, '1'],
      [2, '4'],
    ]);
    expect(texts('b')).toEqual([
      [1, '0'],
      [2, '2'],
      [3, '5'],
    ]);
    expect(texts('c')).toEqual([[1, '3']]);
  });

  it('refuses what the log would refuse, so that no stored event can block its key, and the change with it', async () => {
    await expect(raise([{ key: 'a', text: 'x'.repeat(1001) }])).rejects.toMatchObject({ code: 'too-large' });
    await expect(raise([{ key: 'a', correlationId: 'a\nb' }])).rejects.toMatchObject({ code: 'attribute-invalid' });
    await expect(raise([{ key: 'a', type: 'heddle.account.v1.Account.Bookd.v1' }])).rejects.toMatchObject({
      code: 'type-unknown',
    });
    await expect(raise([{ key: 'a', text: 5 as unknown as string }])).rejects.toMatchObject({ code: 'data-invalid' });
    expect(await trial.unsent()).toBe(0);
    await raise([{ key: 'a' }]);
    expect(await trial.unsent()).toBe(1);
  });

  it('lets a key go on in number after all its events are long gone', async () => {
    const relay = trial.relay();
    for (let round = 1; round <= 3; round += 1) {
      await raise([{ key: 'a' }]);
      relay.wake();
      await vi.waitFor(async () => expect(await trial.unsent()).toBe(0), { timeout: 10_000 });
    }
    expect(trial.log.sequences('a')).toEqual([1, 2, 3]);
  });
});
