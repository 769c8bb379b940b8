import { MemoryEventLog } from '@heddle/event';
import type { EventType } from '@heddle/schema';
import { expect, it, vi } from 'vitest';
import { ObjectTopics } from './object-topics.js';

function topicsOf(objects: string[]): { log: MemoryEventLog; topics: ObjectTopics } {
  const log = new MemoryEventLog({ decode: () => ({ data: {} }) });
  const catalogue = { list: () => objects.map((topic) => ({ topic }) as EventType) };
  return { log, topics: new ObjectTopics(catalogue, log) };
}

it('the local ones are made, those of tenants are as they stand in the log', async () => {
  const objects = ['contract'];
  const { log, topics } = topicsOf(objects);
  expect(await topics.list()).toEqual(['contract', 'heddle.raw']);
  await topics.ensure('acme.contract');
  expect(await topics.list()).toEqual(['contract', 'heddle.raw', 'acme.contract']);
  expect(topics.ensure('acme.contract')).toBeUndefined();
  expect(topics.ensure('contract')).toBeUndefined();
  objects.push('invoice');
  expect(await topics.list()).toEqual(['contract', 'invoice', 'heddle.raw', 'acme.contract']);
  expect(await log.topics()).toEqual(['contract', 'heddle.raw', 'acme.contract', 'invoice']);
});

it('what is of no tenant, or of no business object, is left alone', async () => {
  const { log, topics } = topicsOf(['contract', 'queues']);
  const foreign = ['heddle.queues', 'local.contract', 'Acme.contract', 'acme.other', 'a.b.contract', 'payments'];
  await log.ensureTopics([...foreign, 'acme.contract'].map((name) => ({ name, partitions: 1, cleanup: 'delete' })));
  expect(await topics.list()).toEqual(['contract', 'queues', 'heddle.raw', 'acme.contract']);
});

it('that of raw messages is made for the local tenant, and with the time they are kept for every other one', async () => {
  const log = new MemoryEventLog({ decode: () => ({ data: {} }) });
  const making = vi.spyOn(log, 'ensureTopics');
  const topics = new ObjectTopics({ list: () => [] }, log, 3_600_000);
  expect(await topics.list()).toEqual(['heddle.raw']);
  await topics.ensure('acme.heddle.raw');
  expect(await topics.list()).toEqual(['heddle.raw', 'acme.heddle.raw']);
  for (const [[spec]] of making.mock.calls) expect(spec).toMatchObject({ cleanup: 'delete', retentionMs: 3_600_000 });
});

it('raw messages that are there already are kept as long as is set, and as long as they were where nothing is', async () => {
  const log = new MemoryEventLog({ decode: () => ({ data: {} }) });
  const usual = new ObjectTopics({ list: () => [] }, log);
  await usual.ensure('acme.heddle.raw');
  await usual.list();
  await log.retain([{ name: 'acme.heddle.raw', partitions: 1, cleanup: 'delete', retentionMs: 1 }]);
  await usual.retainRaw();
  expect(log.retention).toEqual(
    new Map([
      ['acme.heddle.raw', 1],
      ['heddle.raw', 7 * 86_400_000],
    ]),
  );
  const set = new ObjectTopics({ list: () => [] }, log, 60_000);
  await set.list();
  await set.retainRaw();
  expect(log.retention).toEqual(
    new Map([
      ['acme.heddle.raw', 60_000],
      ['heddle.raw', 60_000],
    ]),
  );
});
