import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadSchemaFiles, recordNameOf, registerSchemas } from './schema-files.js';
import { MemorySchemaRegistry } from './memory-schema-registry.js';
import { typescriptOf } from './typescript.js';

const SCHEMAS = new URL('../../../schemas/', import.meta.url).pathname;

describe('the schemas of this repository', () => {
  it('are all valid, named after their types, documented, and fit their examples', async () => {
    const files = await loadSchemaFiles(SCHEMAS);
    expect(files.map(({ description }) => description.type)).toContain(
      'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1',
    );
    expect(files.length).toBeGreaterThanOrEqual(12);
  });

  it('have TypeScript types that are up to date (npm run schemas)', async () => {
    for (const [path, text] of typescriptOf(await loadSchemaFiles(SCHEMAS))) {
      expect(await readFile(join(SCHEMAS, path), 'utf8'), `${path} is stale`).toBe(text);
    }
  });

  it('are registered once; the second time nothing changes', async () => {
    const registry = new MemorySchemaRegistry();
    const files = await loadSchemaFiles(SCHEMAS);
    const first = await registerSchemas(registry, files);
    expect(first.every(({ changed }) => changed)).toBe(true);
    expect(await registerSchemas(registry, files)).toEqual(
      first.map((registration) => ({ ...registration, changed: false })),
    );
  });
});

describe('a schema file', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'heddle-schemas-'));
  });
  afterEach(async () => {
    await rm(dir, { recursive: true });
  });

  const good = {
    type: 'record',
    namespace: 'heddle.order.v1',
    name: 'OrderPaid',
    doc: 'An order was paid.',
    heddle: {
      type: 'heddle.order.v1.Order.Paid.v1',
      topic: 'order',
      key: 'Order',
      summary: 'Paid.',
      example: { Order: '1' },
    },
    fields: [{ name: 'Order', type: { type: 'string', maxLength: 3 }, doc: 'Number.' }],
  };

  async function load(schema: unknown, file = 'order/OrderPaid.avsc'): Promise<unknown> {
    await mkdir(join(dir, dirname(file)), { recursive: true });
    await writeFile(join(dir, file), typeof schema === 'string' ? schema : JSON.stringify(schema));
    return loadSchemaFiles(dir);
  }

  it('that keeps the rules is read with its subject', async () => {
    expect(await load(good)).toEqual([
      {
        file: 'order/OrderPaid.avsc',
        schema: good,
        description: { ...good.heddle, object: 'order' },
        subject: 'order-heddle.order.v1.OrderPaid',
        uses: [],
      },
    ]);
  });

  it.each<[string, unknown, string, string?]>([
    ['is not JSON', '{', 'JSON'],
    ['has no heddle property', { ...good, heddle: undefined }, 'heddle'],
    ['is named other than its type', { ...good, name: 'OrderPayed' }, 'must be heddle.order.v1.OrderPaid'],
    ['lies in another folder than its topic says', good, 'folder', 'orders/OrderPaid.avsc'],
    ['is named other than its record', good, 'OrderPaid.avsc', 'order/Paid.avsc'],
    ['has a field without a doc', { ...good, fields: [{ name: 'Order', type: 'string' }] }, 'Order.doc'],
    [
      'has an example that does not fit',
      { ...good, heddle: { ...good.heddle, example: { Order: 'long' } } },
      'data.Order must have at most 3',
    ],
    ['has no example', { ...good, heddle: { ...good.heddle, example: undefined } }, 'data must be an object'],
    ['has a key that is no field', { ...good, heddle: { ...good.heddle, key: 'Id' } }, 'heddle.key'],
    [
      'has a place to fetch from, but nobody who owns it',
      { ...good, heddle: { ...good.heddle, fetch: '/orders/{key}' } },
      'heddle.fetch',
    ],
    [
      'wants an envelope that there is not',
      { ...good, heddle: { ...good.heddle, envelope: 'xml' } },
      'heddle.envelope',
    ],
  ])('is refused with its name when it %s', async (_name, schema, reason, file = 'order/OrderPaid.avsc') => {
    await expect(load(schema, file)).rejects.toThrow(reason);
    await expect(load(schema, file)).rejects.toThrow(file);
  });

  it('may ask for another envelope, and then all of its topic must', async () => {
    const changed = (own: object) => ({
      ...good,
      name: 'OrderChanged',
      heddle: { ...good.heddle, type: 'heddle.order.v1.Order.Changed.v1', ...own },
    });
    const paid = { ...good, heddle: { ...good.heddle, envelope: 'json' } };
    expect(await load(paid)).toMatchObject([{ description: { envelope: 'json' } }]);
    await expect(load(changed({}), 'order/OrderChanged.avsc')).rejects.toThrow('order/OrderPaid.avsc');
    await expect(load(changed({ envelope: 'avro' }), 'order/OrderChanged.avsc')).rejects.toThrow('heddle.envelope');
    expect(await load(changed({ envelope: 'json' }), 'order/OrderChanged.avsc')).toHaveLength(2);
  });

  it('may not describe a type that another one describes', async () => {
    await load(good);
    const twin = { ...good, heddle: { ...good.heddle, object: 'other' } };
    await expect(load(twin, 'other/OrderPaid.avsc')).rejects.toThrow('as order/OrderPaid.avsc does');
  });
});

describe('a record', () => {
  it('is named after its event type, later versions apart', () => {
    expect(recordNameOf('sap.s4.beh.salesorder.v1.SalesOrder.Created.v1')).toBe(
      'sap.s4.beh.salesorder.v1.SalesOrderCreated',
    );
    expect(recordNameOf('heddle.contract.v1.Contract.Signed.v2')).toBe('heddle.contract.v1.ContractSignedV2');
  });
});
