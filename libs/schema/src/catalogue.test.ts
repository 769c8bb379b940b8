import { HeddleError } from '@heddle/event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AvroCodec } from './avro-codec.js';
import type { AvroDefinition } from './avro-schema.js';
import { Catalogue } from './catalogue.js';
import { isOpenToPublish } from './event-type.js';
import { MemorySchemaRegistry } from './memory-schema-registry.js';

function orderSchema(action: string, heddle: object = {}): AvroDefinition {
  return {
    type: 'record',
    namespace: 'heddle.order.v1',
    name: `Order${action}`,
    heddle: {
      type: `heddle.order.v1.Order.${action}.v1`,
      topic: 'order',
      key: 'Order',
      owner: 'order',
      fetch: '/orders/{key}',
      summary: `An order was ${action}.`,
      example: { Order: '1' },
      ...heddle,
    },
    fields: [{ name: 'Order', type: 'string' }],
  };
}

let registry: MemorySchemaRegistry;
let codec: AvroCodec;
let catalogue: Catalogue;

beforeEach(() => {
  vi.useFakeTimers();
  registry = new MemorySchemaRegistry();
  codec = new AvroCodec(registry);
  catalogue = new Catalogue(registry, codec);
});
afterEach(() => {
  catalogue.close();
  vi.useRealTimers();
});

async function register(action: string, heddle: object = {}): Promise<number> {
  return registry.register(`order-heddle.order.v1.Order${action}`, orderSchema(action, heddle));
}

describe('the catalogue', () => {
  it('lists every event type with what its schema says, ready to be encoded', async () => {
    const id = await register('Created');
    await registry.register('order-plain', { type: 'record', name: 'Plain', fields: [] });
    await catalogue.refresh();
    expect(catalogue.list()).toEqual([
      {
        type: 'heddle.order.v1.Order.Created.v1',
        topic: 'order',
        object: 'order',
        key: 'Order',
        owner: 'order',
        fetch: '/orders/{key}',
        summary: 'An order was Created.',
        example: { Order: '1' },
        subject: 'order-heddle.order.v1.OrderCreated',
        schemaId: id,
        version: 1,
        schema: orderSchema('Created'),
      },
    ]);
    expect(codec.isLoaded(id)).toBe(true);
    expect(catalogue.skipped()).toEqual([]);
  });

  it('says who may publish a type: nobody but its owner, unless the type says otherwise', async () => {
    await register('Created');
    await register('Signed', { publish: 'open' });
    await register('Closed', { publish: 'owner-only' });
    await register('Foreign', { owner: undefined, fetch: undefined });
    await register('Odd', { publish: 'anybody' });
    await register('Nobodys', { owner: undefined, fetch: undefined, publish: 'open' });
    await catalogue.refresh();
    const open = catalogue.list().map((type) => [type.type.split('.').at(-2), isOpenToPublish(type)]);
    expect(open).toEqual([
      ['Closed', false],
      ['Created', false],
      ['Foreign', true],
      ['Signed', true],
    ]);
    expect(catalogue.get('heddle.order.v1.Order.Signed.v1')).toMatchObject({ owner: 'order', publish: 'open' });
    expect(catalogue.skipped().map(({ reason }) => /heddle\.publish.*/.exec(reason)?.[0])).toEqual([
      expect.stringContaining('beside an owner'),
      expect.stringContaining('open|owner-only'),
    ]);
  });

  it('finds a type that was registered after it was read', async () => {
    await catalogue.refresh();
    await register('Created');
    vi.advanceTimersByTime(1_001);
    expect((await catalogue.find('heddle.order.v1.Order.Created.v1')).key).toBe('Order');
  });

  it('follows a type to its newest version', async () => {
    await register('Created');
    await catalogue.refresh();
    const wider = orderSchema('Created');
    const schema = { ...wider, fields: [...(wider.fields ?? []), { name: 'Note', type: 'string', default: '' }] };
    const id = await registry.register('order-heddle.order.v1.OrderCreated', schema);
    vi.advanceTimersByTime(30_000);
    await vi.waitFor(
      () => expect(catalogue.get('heddle.order.v1.Order.Created.v1')).toMatchObject({ schemaId: id, version: 2 }),
      { timeout: 10_000 },
    );
  });

  it('looks again for an unknown type once a second at most, and names the nearest', async () => {
    await register('Created');
    const subjects = vi.spyOn(registry, 'subjects');
    const unknown = {
      code: 'type-unknown',
      message: expect.stringContaining('heddle.order.v1.Order.Created.v1') as string,
    };
    for (let i = 0; i < 10; i += 1)
      await expect(catalogue.find('heddle.order.v1.Order.Craeted.v1')).rejects.toMatchObject(unknown);
    expect(subjects).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1_001);
    await Promise.allSettled(Array.from({ length: 10 }, () => catalogue.find('heddle.order.v1.Order.Craeted.v1')));
    expect(subjects).toHaveBeenCalledTimes(2);
  });

  it('names no type that is far from the one asked for', async () => {
    await register('Created');
    await expect(catalogue.find('com.example.Something')).rejects.toMatchObject({
      message: expect.not.stringContaining('nearest') as string,
    });
  });

  it('keeps what it knows while the registry is away, and says so for what it does not know', async () => {
    await register('Created');
    await catalogue.refresh();
    const away = vi.spyOn(registry, 'subjects').mockRejectedValue(new HeddleError('registry-unavailable', 'away'));
    vi.advanceTimersByTime(1_001);
    await expect(catalogue.find('heddle.order.v1.Order.Paid.v1')).rejects.toMatchObject({
      code: 'registry-unavailable',
    });
    await expect(catalogue.find('heddle.order.v1.Order.Paid.v1')).rejects.toMatchObject({
      code: 'registry-unavailable',
    });
    expect(away).toHaveBeenCalledTimes(1);
    expect(catalogue.get('heddle.order.v1.Order.Created.v1')).toBeDefined();
  });

  it('sets a subject aside that describes a type badly, or in another name, and lists the rest', async () => {
    await register('Created');
    await register('Keyless', { key: 'Nothing' });
    await register('Unowned', { owner: undefined });
    await registry.register('order-stolen', orderSchema('Created'));
    await catalogue.refresh();
    expect(catalogue.list().map(({ type }) => type)).toEqual(['heddle.order.v1.Order.Created.v1']);
    expect(catalogue.get('heddle.order.v1.Order.Created.v1')?.subject).toBe('order-heddle.order.v1.OrderCreated');
    expect(catalogue.skipped().map(({ subject }) => subject)).toEqual([
      'order-heddle.order.v1.OrderKeyless',
      'order-heddle.order.v1.OrderUnowned',
      'order-stolen',
    ]);
  });
});
