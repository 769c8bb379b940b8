import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHECKOUT, type Running, spawnNode } from '@heddle/infra';
import { createMesh } from '@heddle/mesh';
import type { BusinessPartnerEvents } from '@heddle/schemas';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { Chance } from '../support/chance.js';
import { foreignKafka, readTopic } from '../support/foreign-kafka.js';

const CREATED = 'sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1';
const CHANGED = 'sap.s4.beh.businesspartner.v1.BusinessPartner.Changed.v1';
const KEYS = ['1', '2', '3', '4', '5', '6'];
const EVENTS_PER_KEY = 10;

const { kafkaBrokers, registryUrl, databaseUrl } = inject('stack');
const tenant = `t${randomUUID().slice(0, 8)}`;
const environment = {
  KAFKA_BROKERS: kafkaBrokers.join(','),
  SCHEMA_REGISTRY_URL: registryUrl,
  DATABASE_URL: databaseUrl,
  HEDDLE_TOPIC_PARTITIONS: '4',
};
let dir: string;
let worker: Running | undefined;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'heddle-inbox-'));
});

afterAll(async () => {
  worker?.kill();
  await worker?.exited;
  await rm(dir, { recursive: true, force: true });
});

test(
  'a microservice that is killed between effect and acknowledgement has exactly one effect for each event, in order per key',
  { timeout: 180_000 },
  async () => {
    await raiseAll();
    const chance = Chance.of('kills between effect and acknowledgement');
    for (let death = 0; death < 4; death += 1) {
      worker = await start(String(chance.between(1, 12)));
      expect(await worker.exited).toEqual({ code: null, signal: 'SIGKILL' });
    }
    worker = await start('Infinity');
    const total = KEYS.length * EVENTS_PER_KEY;
    const database = await connected();
    const rowsOf = async <R extends pg.QueryResultRow>(query: string): Promise<R[]> =>
      (await database.query<R>(query)).rows;
    await vi.waitFor(async () => expect(await rowsOf('select 1 from effect')).toHaveLength(total), {
      timeout: 60_000,
      interval: 100,
    });
    // Those that came again have been looked at by now, or never will be: the worker stops with its positions committed.
    await worker.stop();
    const effects = await rowsOf<{ key: string; sequence: string; id: string }>(
      'select key, sequence, id from effect order by place',
    );
    const inOrder = Array.from({ length: EVENTS_PER_KEY }, (_, index) => index + 1);
    for (const key of KEYS) {
      const sequences = effects.filter((effect) => effect.key === key).map(({ sequence }) => Number(sequence));
      expect(sequences).toEqual(inOrder);
    }
    expect(new Set(effects.map(({ id }) => id)).size).toBe(total);
    // Events did come again after their effect; without the inbox they would have had a second one.
    const repeated = await rowsOf('select id from attempt group by id having count(*) > 1');
    expect(repeated.length).toBeGreaterThanOrEqual(4);
    expect(await rowsOf('select 1 from outbox')).toEqual([]);
    await database.end();
    expect(await followUps()).toBe(total);
  },
);

/** Events of business partners, as their own service would raise them. */
async function raiseAll(): Promise<void> {
  const mesh = await createMesh<BusinessPartnerEvents>({
    name: 'raiser',
    tenant,
    schemas: join(CHECKOUT, 'schemas'),
    raises: [CREATED],
    database: { migrations: {} },
    environment: { ...environment, LOG_LEVEL: 'silent' },
  });
  for (let version = 1; version <= EVENTS_PER_KEY; version += 1) {
    await mesh.transaction((tx) =>
      mesh.raise(
        tx,
        KEYS.map((key) => ({ type: CREATED, key, version, data: { BusinessPartner: key } }) as const),
      ),
    );
  }
  await mesh.stop();
}

function start(lives: string): Promise<Running> {
  return spawnNode({
    name: 'inbox-worker',
    script: 'test/dist/crash/inbox-worker.js',
    args: [tenant, lives],
    env: environment,
    logFile: join(dir, 'worker.log'),
  });
}

async function connected(): Promise<pg.Client> {
  const url = new URL(databaseUrl);
  url.pathname = `/${`${tenant}-worker`.replaceAll('-', '_')}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  return client;
}

/** The events that the effects raised, each counted once: a relay that died may have appended one again. */
async function followUps(): Promise<number> {
  const records = await readTopic(foreignKafka(kafkaBrokers), `${tenant}.business-partner`);
  const raised = records.filter(({ headers }) => headers['ce_type'] === CHANGED);
  return new Set(raised.map(({ headers }) => headers['ce_id'])).size;
}
