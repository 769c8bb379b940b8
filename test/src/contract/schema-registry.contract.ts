import { randomUUID } from 'node:crypto';
import { subjectOf, type AvroDefinition, type SchemaRegistry } from '@heddle/schema';
import { beforeAll, describe, expect, it } from 'vitest';

/** What every schema registry promises; see `SchemaRegistry`. Subjects are new each time, for a real one is shared. */
export function schemaRegistryContract(name: string, open: () => SchemaRegistry | Promise<SchemaRegistry>): void {
  describe(`the schema registry contract: ${name}`, () => {
    let registry: SchemaRegistry;
    beforeAll(async () => {
      registry = await open();
    });

    it('gives back under its id exactly the schema that was registered, properties of our own included', async () => {
      const { subject, schema } = order();
      const id = await registry.register(subject, schema);
      expect(await registry.byId(id)).toEqual(schema);
      expect(await registry.latest(subject)).toEqual({ id, version: 1, schema });
      expect(await registry.subjects()).toContain(subject);
    });

    it('gives the same id to the same schema again, and makes no second version', async () => {
      const { subject, schema } = order();
      const id = await registry.register(subject, schema);
      expect(await registry.register(subject, structuredClone(schema))).toBe(id);
      expect((await registry.latest(subject))?.version).toBe(1);
    });

    it('keeps both versions when a field with a default is added, under ids of their own', async () => {
      const { subject, schema } = order();
      const first = await registry.register(subject, schema);
      const wider = withField(schema, { name: 'Note', type: ['null', 'string'], default: null });
      const second = await registry.register(subject, wider);
      expect(second).not.toBe(first);
      expect(await registry.byId(first)).toEqual(schema);
      expect(await registry.latest(subject)).toEqual({ id: second, version: 2, schema: wider });
    });

    it('refuses a field without a default, naming it, and keeps what it had', async () => {
      const { subject, schema } = order();
      const id = await registry.register(subject, schema);
      const stricter = withField(schema, { name: 'Currency', type: 'string' });
      await expect(registry.register(subject, stricter)).rejects.toMatchObject({
        code: 'schema-incompatible',
        message: expect.stringContaining('Currency') as string,
      });
      expect(await registry.latest(subject)).toEqual({ id, version: 1, schema });
    });

    it('refuses a field taken away that never had a default, for old consumers need it', async () => {
      const { subject, schema } = order();
      await registry.register(subject, schema);
      const narrower = { ...schema, fields: schema.fields.slice(0, 1) };
      await expect(registry.register(subject, narrower)).rejects.toMatchObject({ code: 'schema-incompatible' });
    });

    it('holds a schema against every version, not only against the last', async () => {
      const { subject, schema } = order();
      await registry.register(subject, withField(schema, { name: 'Flag', type: 'int', default: 0 }));
      await registry.register(subject, schema);
      const other = withField(schema, { name: 'Flag', type: 'string', default: '' });
      await expect(registry.register(subject, other)).rejects.toMatchObject({ code: 'schema-incompatible' });
    });

    it('says whether a schema would be accepted, and why not, without registering it', async () => {
      const { subject, schema } = order();
      expect(await registry.check(subject, schema)).toEqual({ compatible: true, messages: [] });
      expect(await registry.latest(subject)).toBeUndefined();
      await registry.register(subject, schema);
      const answer = await registry.check(subject, withField(schema, { name: 'Currency', type: 'string' }));
      expect(answer.compatible).toBe(false);
      expect(answer.messages.join('\n')).toContain('data.Currency');
      expect(await registry.check(subject, withField(schema, { name: 'Note', type: 'string', default: '' }))).toEqual({
        compatible: true,
        messages: [],
      });
      expect((await registry.latest(subject))?.version).toBe(1);
    });

    it('has every version of a subject, the first one first', async () => {
      const { subject, schema } = order();
      const first = await registry.register(subject, schema);
      const wider = withField(schema, { name: 'Note', type: ['null', 'string'], default: null });
      const second = await registry.register(subject, wider);
      expect(await registry.versions(subject)).toEqual([
        { id: first, version: 1, schema },
        { id: second, version: 2, schema: wider },
      ]);
    });

    it('holds a subject to FULL_TRANSITIVE, or to what was asked for', async () => {
      const { subject, schema } = order();
      expect(await registry.mode(subject)).toBeUndefined();
      await registry.register(subject, schema);
      expect(await registry.mode(subject)).toBe('FULL_TRANSITIVE');
      const other = order();
      await registry.register(other.subject, other.schema, 'BACKWARD');
      expect(await registry.mode(other.subject)).toBe('BACKWARD');
      const narrower: RecordSchema = { ...other.schema, fields: other.schema.fields.slice(0, 1) as never };
      expect(await registry.register(other.subject, narrower, 'BACKWARD')).toBeGreaterThan(0);
      const stricter = withField(narrower, { name: 'Currency', type: 'string' });
      await expect(registry.register(other.subject, stricter, 'BACKWARD')).rejects.toMatchObject({
        code: 'schema-incompatible',
        message: expect.stringContaining('Currency') as string,
      });
    });

    it('has nothing under a subject that was never registered', async () => {
      const nothing = `nothing-${randomUUID()}`;
      expect(await registry.latest(nothing)).toBeUndefined();
      expect(await registry.versions(nothing)).toEqual([]);
    });

    it('says that it has no such schema for an id it never gave', async () => {
      await expect(registry.byId(2_000_000_000)).rejects.toMatchObject({ code: 'schema-unknown', retryable: false });
    });

    it('refuses what is no valid schema, or one that hostile bytes could abuse, before it becomes a version', async () => {
      const { subject, schema } = order();
      const bomb = withField(schema, { name: 'Nulls', type: { type: 'array', items: 'null' }, default: [] });
      const unnamed = withField(schema, { name: 'Strange', type: 'nowhere.Defined' });
      const ambiguous = withField(schema, { name: 'Either', type: ['string', 'bytes'] });
      for (const bad of [bomb, unnamed, ambiguous]) {
        await expect(registry.register(subject, bad)).rejects.toMatchObject({ code: 'schema-invalid' });
      }
      expect(await registry.latest(subject)).toBeUndefined();
      expect(await registry.register(subject, schema)).toBeGreaterThan(0);
    });

    it('gives out a schema that takes names from others as one that stands for itself', async () => {
      const { address, customer, order: ordered, references } = linked();
      await registry.register(address.subject, address.schema);
      await registry.register(customer.subject, customer.schema, undefined, [references.address]);
      const both = [references.customer, references.address];
      const id = await registry.register(ordered.subject, ordered.schema, undefined, both);
      const whole = await registry.byId(id);
      expect(whole).toEqual(ordered.whole);
      expect(await registry.latest(ordered.subject)).toEqual({ id, version: 1, schema: whole });
      expect(await registry.versions(ordered.subject)).toEqual([{ id, version: 1, schema: whole }]);
      // Said again, with references or written out, it is the same.
      expect(await registry.register(ordered.subject, ordered.schema, undefined, both)).toBe(id);
      expect(await registry.register(ordered.subject, ordered.whole)).toBe(id);
      expect((await registry.versions(ordered.subject)).length).toBe(1);
    });

    it('refuses a schema that takes a name from a version that there is not, and one that lacks a reference', async () => {
      const { address, customer, references } = linked();
      await registry.register(address.subject, address.schema);
      for (const given of [[], [{ ...references.address, version: 2 }], [{ ...references.address, subject: 'none' }]]) {
        const refused = registry.register(customer.subject, customer.schema, undefined, given);
        await expect(refused).rejects.toMatchObject({ code: 'schema-invalid', retryable: false });
      }
      expect(await registry.latest(customer.subject)).toBeUndefined();
    });

    it('holds a schema that takes names from others to its versions, as if they were written out', async () => {
      const { address, customer, references } = linked();
      await registry.register(address.subject, address.schema);
      await registry.register(customer.subject, customer.schema, undefined, [references.address]);
      const stricter = withField(customer.schema, { name: 'Number', type: 'string' });
      const refused = registry.register(customer.subject, stricter, undefined, [references.address]);
      await expect(refused).rejects.toMatchObject({
        code: 'schema-incompatible',
        message: expect.stringContaining('Number') as string,
      });
      const wider = withField(customer.schema, { name: 'Number', type: 'string', default: '' });
      expect(await registry.register(customer.subject, wider, undefined, [references.address])).toBeGreaterThan(0);
      expect((await registry.latest(customer.subject))?.version).toBe(2);
    });

    it('answers a ping', async () => {
      await expect(registry.ping()).resolves.toBeUndefined();
    });
  });
}

type RecordSchema = AvroDefinition & { fields: readonly { name: string; type: never }[] };

function order(): { subject: string; schema: RecordSchema } {
  const topic = `contract-${randomUUID()}`;
  const schema = {
    type: 'record',
    namespace: 'heddle.test.v1',
    name: `Order${topic.replaceAll('-', '')}`,
    doc: 'An order.',
    heddle: { anything: ['of', 'ours', { at: 'all' }] },
    fields: [
      { name: 'Order', type: { type: 'string', maxLength: 10 }, doc: 'Number.' },
      { name: 'NetAmount', type: { type: 'bytes', logicalType: 'decimal', precision: 16, scale: 3 } },
      { name: 'ChangedAt', type: ['null', { type: 'long', logicalType: 'timestamp-millis' }], default: null },
    ],
  } as unknown as RecordSchema;
  return { subject: subjectOf(topic, schema), schema };
}

/** An order of a customer with an address, which the order names, too: each a subject of its own. */
function linked() {
  const namespace = `heddle.test.n${randomUUID().replaceAll('-', '')}`;
  const record = (name: string, fields: object[]) => {
    const schema = { type: 'record', name, namespace, fields } as unknown as RecordSchema;
    return { subject: `${namespace}.${name}`, schema };
  };
  const address = record('Address', [{ name: 'City', type: 'string' }]);
  const customer = record('Customer', [
    { name: 'Home', type: 'Address' },
    { name: 'Work', type: ['null', `${namespace}.Address`], default: null },
  ]);
  const order = record('Order', [
    { name: 'SoldTo', type: `${namespace}.Customer` },
    { name: 'ShipTo', type: `${namespace}.Address` },
  ]);
  const customerWhole = {
    ...customer.schema,
    fields: [{ name: 'Home', type: address.schema }, customer.schema.fields[1]],
  };
  const whole = {
    ...order.schema,
    fields: [{ name: 'SoldTo', type: customerWhole }, order.schema.fields[1]],
  } as unknown as RecordSchema;
  const reference = ({ subject }: { subject: string }) => ({ name: subject, subject, version: 1 });
  return {
    address,
    customer,
    order: { ...order, whole },
    references: { address: reference(address), customer: reference(customer) },
  };
}

function withField(schema: RecordSchema, field: { name: string; type: unknown; default?: unknown }): RecordSchema {
  return { ...schema, fields: [...schema.fields, field as never] };
}
