import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { BusinessPartnerEvents } from '@heddle/schemas';
import { type SQL, eq, sql } from 'drizzle-orm';
import { type NodePgDatabase, drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { DataSource, EntitySchema } from 'typeorm';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { PARTNER_CHANGED, PARTNER_CREATED, meshContract } from '../../../test/src/contract/mesh.contract.js';
import { MemoryMesh } from './memory-mesh.js';
import { MESH_STATEMENTS } from './mesh-migrations.js';
import type { MeshDatabase } from './sql-store.js';

// What docs/guides/microservices.md says of transactions that are not Kysely's, on a real PostgreSQL.

const { databaseUrl } = inject('stack');
const SCHEMAS = fileURLToPath(new URL('../../../schemas', import.meta.url));

/** Of a service: whose table is changed in the transactions of its own mapper. */
interface Service {
  database: MeshDatabase<never>;
  /** A change and what it raises, in one transaction; fails where told to, behind both. */
  change(mesh: MemoryMesh<BusinessPartnerEvents, never>, key: string, fails?: boolean): Promise<void>;
  /** How often a partner was changed, as the mapper reads it. */
  changesOf(key: string): Promise<number | undefined>;
  close(): Promise<void>;
}

const created = (key: string, version: number) =>
  [{ type: PARTNER_CREATED, key, version, data: { BusinessPartner: key } }] as const;

/** A database with the tables of the mesh and one of the service's own. */
async function newDatabase(): Promise<string> {
  const name = `orm_${randomUUID().slice(0, 8)}`;
  const server = new pg.Client({ connectionString: databaseUrl });
  await server.connect();
  await server.query(`create database ${name}`);
  await server.end();
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  for (const statement of MESH_STATEMENTS) await client.query(statement);
  await client.query('create table partner (key text primary key, changes integer not null)');
  await client.end();
  return url.href;
}

async function typeOrm(): Promise<Service> {
  const url = await newDatabase();
  const Partner = new EntitySchema<{ key: string; changes: number }>({
    name: 'partner',
    columns: { key: { type: 'text', primary: true }, changes: { type: 'integer' } },
  });
  const source = await new DataSource({ type: 'postgres', url, entities: [Partner] }).initialize();
  return {
    database: { url, transaction: (work) => source.transaction((manager) => work(manager as never)) },
    change: (mesh, key, fails = false) =>
      source.transaction(async (manager) => {
        const found = await manager.findOneBy(Partner, { key });
        const changes = (found?.changes ?? 0) + 1;
        await manager.save(Partner, { key, changes });
        await mesh.raise(manager, created(key, changes));
        if (fails) throw new Error('after all');
      }),
    changesOf: async (key) => (await source.manager.findOneBy(Partner, { key }))?.changes,
    close: () => source.destroy(),
  };
}

const partners = pgTable('partner', { key: text().primaryKey(), changes: integer().notNull() });

/** A statement with `$1`, `$2`, … as Drizzle has it. */
function parts(statement: string, values: unknown[]): SQL {
  return sql.join(
    statement.split(/\$(\d+)/).map((part, i) => (i % 2 === 0 ? sql.raw(part) : sql.param(values[Number(part) - 1]))),
  );
}

async function drizzled(): Promise<Service> {
  type Tx = Parameters<Parameters<NodePgDatabase['transaction']>[0]>[0];
  const url = await newDatabase();
  const pool = new pg.Pool({ connectionString: url });
  const db = drizzle({ client: pool });
  const statementsOf = (tx: Tx) => ({
    query: (statement: string, values: unknown[]) => tx.execute(parts(statement, values)),
  });
  const database: MeshDatabase<Tx> = { url, transaction: (work) => db.transaction(work), statementsOf };
  return {
    database: database as unknown as MeshDatabase<never>,
    change: (mesh, key, fails = false) =>
      db.transaction(async (tx) => {
        const [row] = await tx
          .insert(partners)
          .values({ key, changes: 1 })
          .onConflictDoUpdate({ target: partners.key, set: { changes: sql`${partners.changes} + 1` } })
          .returning();
        await mesh.raise(tx as never, created(key, row!.changes));
        if (fails) throw new Error('after all');
      }),
    changesOf: async (key) => (await db.select().from(partners).where(eq(partners.key, key)))[0]?.changes,
    close: () => pool.end(),
  };
}

async function openMesh({ database }: Service, consume = {}) {
  return MemoryMesh.open<BusinessPartnerEvents, never>({
    name: 'trial',
    schemas: [SCHEMAS],
    raises: [PARTNER_CREATED, PARTNER_CHANGED],
    reactsTo: ['business-partner'],
    consume,
    database,
  });
}

describe.each([
  ['TypeORM', typeOrm],
  ['Drizzle', drizzled],
])('a transaction of %s', (_mapper, start) => {
  let service: Service;
  let mesh: Awaited<ReturnType<typeof openMesh>>;

  beforeAll(async () => {
    service = await start();
    mesh = await openMesh(service);
  });

  afterAll(async () => {
    await mesh.stop();
    await service.close();
  });

  const raised = (key: string) => mesh.events.filter((event) => event.key === key);

  it('has its change and the event of it, both or neither', async () => {
    await service.change(mesh, 'a');
    await expect(service.change(mesh, 'a', true)).rejects.toThrow('after all');
    await expect(service.change(mesh, 'b', true)).rejects.toThrow('after all');
    await service.change(mesh, 'a');
    await mesh.settled();
    expect([await service.changesOf('a'), await service.changesOf('b')]).toEqual([2, undefined]);
    expect(raised('a').map(({ attributes }) => attributes['dataref'])).toEqual([
      '/v1/objects/business-partner/a?version=1',
      '/v1/objects/business-partner/a?version=2',
    ]);
    expect(raised('b')).toEqual([]);
  });

  it('numbers the events of an object in the order of commits, whoever changes it at the same time', async () => {
    await Promise.all(Array.from({ length: 8 }, () => service.change(mesh, 'c').catch(() => undefined)));
    await service.change(mesh, 'c');
    await mesh.settled();
    const numbers = raised('c').map(({ attributes }) => Number(attributes['sequence']));
    expect(numbers.length).toBeGreaterThan(1);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index + 1));
  });
});

for (const [mapper, start] of [
  ['TypeORM', typeOrm],
  ['Drizzle', drizzled],
] as const) {
  meshContract(`with transactions of ${mapper}`, async () => {
    const services: Service[] = [];
    return {
      open: async (consume) => {
        const service = await start();
        services.push(service);
        const mesh = await openMesh(service, consume);
        const deadLetters = () =>
          Promise.resolve(
            mesh.deadLetters.map(({ event: { attributes }, error }) => ({
              id: attributes.id,
              code: (error as { code?: string }).code ?? 'internal',
              reason: (error as Error).message,
            })),
          );
        return { mesh, objects: mesh.objects, deadLetters };
      },
      close: async () => {
        for (const service of services) await service.close();
      },
    };
  });
}
