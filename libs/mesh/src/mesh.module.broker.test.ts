import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { StoredEvent } from '@heddle/event';
import { openDatabase } from '@heddle/outbox';
import type { BusinessPartnerEvents } from '@heddle/schemas';
import { Controller, type INestApplication, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type Kysely, type Transaction, sql } from 'kysely';
import pg from 'pg';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { PARTNER_CHANGED, PARTNER_CREATED } from '../../../test/src/contract/mesh.contract.js';
import { connectMesh } from './connect-mesh.js';
import { type MeshOptions, createMesh } from './create-mesh.js';
import { Mesh } from './mesh.js';
import { meshMigrations } from './mesh-migrations.js';
import { MeshModule } from './mesh.module.js';

const { kafkaBrokers, registryUrl, databaseUrl } = inject('stack');
const WAIT = { timeout: 20_000, interval: 10 };

interface Tables {
  partner: { key: string };
}

/** Of one service on topics of its own. */
function optionsOf(): Omit<MeshOptions<never>, 'database'> {
  return {
    name: 'trial',
    tenant: `t${randomUUID().slice(0, 8)}`,
    schemas: fileURLToPath(new URL('../../../schemas', import.meta.url)),
    raises: [PARTNER_CREATED, PARTNER_CHANGED],
    reactsTo: ['business-partner'],
    brokers: kafkaBrokers,
    registryUrl,
    environment: { LOG_LEVEL: 'silent', HEDDLE_TOPIC_PARTITIONS: '4' },
  };
}

/** The database of an application, which it opens, migrates and closes by itself. */
class Database {
  private constructor(
    readonly url: string,
    readonly db: Kysely<Tables>,
  ) {}

  static async open(): Promise<Database> {
    const name = `own_${randomUUID().slice(0, 8)}`;
    const { db } = await openDatabase<Tables>({
      url: databaseUrl,
      database: name,
      pool: 4,
      migrations: {
        ...meshMigrations,
        '001-partner': {
          up: async (empty) => void (await sql`create table partner (key text primary key)`.execute(empty)),
        },
      },
    });
    const url = new URL(databaseUrl);
    url.pathname = `/${name}`;
    return new Database(url.href, db);
  }

  onApplicationShutdown(): Promise<void> {
    return this.db.destroy();
  }
}

class Reactions {
  constructor(
    private readonly mesh: Mesh<BusinessPartnerEvents, Transaction<Tables>>,
    private readonly database: Database,
  ) {}

  async onCreated(event: StoredEvent): Promise<void> {
    await this.mesh.inbox.once(event, async (tx) => {
      await tx.insertInto('partner').values({ key: event.key }).execute();
    });
  }

  /** In a transaction of the application's own, of which the mesh sees neither beginning nor end. */
  create(key: string): Promise<void> {
    return this.database.db.transaction().execute(async (tx) => {
      await this.mesh.raise(tx, [{ type: PARTNER_CREATED, key, version: 1, data: { BusinessPartner: key } }]);
    });
  }

  async known(): Promise<string[]> {
    return (await this.database.db.selectFrom('partner').select('key').orderBy('key').execute()).map(({ key }) => key);
  }
}

// As the compiler writes decorators; the tests' own transformer does not know them.
Controller()(Reactions);
Inject(Mesh)(Reactions, undefined, 0);
Inject(Database)(Reactions, undefined, 1);
const onCreated = Object.getOwnPropertyDescriptor(Reactions.prototype, 'onCreated') as PropertyDescriptor;
EventPattern<string>(PARTNER_CREATED)(Reactions.prototype, 'onCreated', onCreated);

describe('an ordinary Nest application with a Kysely database of its own', () => {
  let app: INestApplication;

  afterEach(() => app.close());

  it('raises in its own transactions, is woken at their commit, handles with its controllers, and stops in order', async () => {
    class DatabaseModule {}
    Module({ providers: [{ provide: Database, useFactory: () => Database.open() }], exports: [Database] })(
      DatabaseModule,
    );
    class AppModule {}
    Module({
      imports: [
        DatabaseModule,
        MeshModule.forRootAsync({
          imports: [DatabaseModule],
          inject: [Database],
          useFactory: ({ url, db }: Database) => ({
            ...optionsOf(),
            database: { url, transaction: (work) => db.transaction().execute(work) },
          }),
        }),
      ],
      controllers: [Reactions],
    })(AppModule);
    app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false, abortOnError: false });
    await connectMesh(app);
    const reactions = app.get(Reactions);
    const { url } = app.get(Database);
    const mesh = app.get<Mesh<BusinessPartnerEvents>>(Mesh);
    expect(await mesh.health()).toMatchObject({ status: 'ok', checks: { database: { status: 'ok' } } });
    await reactions.create('1');
    await vi.waitFor(async () => expect(await reactions.known()).toEqual(['1']), WAIT);
    expect(await mesh.metrics.metrics()).toMatch(/heddle_outbox_appended_total 1\b/);
    // What is raised last is carried over before the connections end.
    await reactions.create('2');
    await app.close();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    expect((await client.query('select 1 from outbox')).rows).toEqual([]);
    await client.end();
  });
});

describe('a microservice without Nest, Kysely or decorators', () => {
  it('has outbox and inbox over plain pg', async () => {
    const { url, db } = await Database.open();
    await db.destroy();
    const pool = new pg.Pool({ connectionString: url, max: 4 });
    const transaction = async <R>(work: (tx: pg.PoolClient) => Promise<R>): Promise<R> => {
      const client = await pool.connect();
      try {
        await client.query('begin');
        const result = await work(client);
        await client.query('commit');
        return result;
      } catch (error) {
        await client.query('rollback');
        throw error;
      } finally {
        client.release();
      }
    };
    const mesh = await createMesh<BusinessPartnerEvents, pg.PoolClient>({
      ...optionsOf(),
      database: { url, transaction },
    });
    mesh.handle(PARTNER_CREATED, async (event) => {
      await mesh.inbox.once(event, async (tx) => {
        await tx.query('insert into partner (key) values ($1)', [event.data.BusinessPartner]);
      });
    });
    await mesh.start();
    await transaction((tx) =>
      mesh.raise(tx, [{ type: PARTNER_CREATED, key: '1', version: 1, data: { BusinessPartner: '1' } }]),
    );
    await vi.waitFor(
      async () => expect((await pool.query('select key from partner')).rows).toEqual([{ key: '1' }]),
      WAIT,
    );
    await mesh.stop();
    await pool.end();
  });
});
