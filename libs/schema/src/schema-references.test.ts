import { describe, expect, it } from 'vitest';
import { schemaTree } from './schema-tree.js';
import { standingForItself, type SchemaReference, type WrittenSchema } from './schema-references.js';

const NAMESPACE = 'a.b';

describe('a schema that takes names from others', () => {
  it('has each of them written out once, also where several bring it along', async () => {
    const city = record('City', [{ name: 'Name', type: 'string' }]);
    // Brings City within itself.
    const address = record('Address', [{ name: 'City', type: city }]);
    const registry = new Map<string, WrittenSchema>([
      ['city', { schema: city, references: [] }],
      ['address', { schema: address, references: [] }],
      ['shop', { schema: record('Shop', [{ name: 'City', type: 'City' }]), references: [reference('City', 'city')] }],
    ]);
    const order = record('Order', [
      { name: 'Shop', type: 'a.b.Shop' },
      { name: 'Address', type: 'Address' },
      { name: 'City', type: 'City' },
    ]);
    const references = [reference('Shop', 'shop'), reference('Address', 'address')];
    const whole = await standingForItself({ schema: order, references }, async ({ subject }) => registry.get(subject));
    expect(JSON.stringify(whole).match(/"name":"City","type":"record"|"type":"record","name":"City"/g)).toHaveLength(1);
    expect(() => schemaTree(whole)).not.toThrow();
  });

  it('may refer in circles, as registries do not let it', async () => {
    const self: WrittenSchema = {
      schema: record('Node', [{ name: 'Next', type: ['null', 'Node'] }]),
      references: [reference('Node', 'node')],
    };
    const order = { schema: record('Order', [{ name: 'Node', type: 'Node' }]), references: self.references };
    expect(() => standingForItself(order, async () => self)).not.toThrow();
    expect(schemaTree(await standingForItself(order, async () => self))).toBeTruthy();
  });

  it('may not be made of ever more of them', async () => {
    let asked = 0;
    const endless = async (): Promise<WrittenSchema> => {
      asked += 1;
      return { schema: record(`N${asked}`, []), references: [reference(`N${asked + 1}`, `n${asked + 1}`)] };
    };
    const order = { schema: record('Order', []), references: [reference('N1', 'n1')] };
    await expect(standingForItself(order, endless)).rejects.toMatchObject({ code: 'schema-invalid' });
    expect(asked).toBeLessThan(1000);
  });

  it('keeps a name that it defines itself', async () => {
    const other = record('Part', [{ name: 'Other', type: 'int' }]);
    const order = record('Order', [
      { name: 'First', type: record('Part', [{ name: 'Own', type: 'int' }]) },
      { name: 'Second', type: 'Part' },
    ]);
    const references = [reference('Part', 'part')];
    const whole = await standingForItself({ schema: order, references }, async () => ({
      schema: other,
      references: [],
    }));
    expect(whole).toEqual(order);
  });
});

function record(name: string, fields: object[]) {
  return { type: 'record', name, namespace: NAMESPACE, fields } as never;
}

function reference(name: string, subject: string): SchemaReference {
  return { name: `${NAMESPACE}.${name}`, subject, version: 1 };
}
