import { describe, expect, it } from 'vitest';
import type { AvroSchema } from './avro-schema.js';
import { masked, personalFields } from './personal-data.js';

const personal = { heddle: { personal: true } };

function record(name: string, fields: readonly object[]): AvroSchema {
  return { type: 'record', name, namespace: 'a.v1', fields: fields as never };
}

function maskedBy(schema: AvroSchema, data: unknown): unknown {
  const found = personalFields(schema);
  return found === undefined ? 'nothing is personal' : masked(data, found);
}

describe('personal data', () => {
  it('is masked where its field says so: strings as ***, everything else as null', () => {
    const schema = record('Person', [
      { name: 'id', type: 'string' },
      { name: 'name', type: 'string', ...personal },
      { name: 'born', type: ['null', { type: 'int', logicalType: 'date' }], ...personal },
      { name: 'shoeSize', type: 'int', ...personal },
      { name: 'emails', type: { type: 'array', items: 'string' }, ...personal },
    ]);
    const data = { id: '1', name: 'A. Person', born: null, shoeSize: 42, emails: ['a@b.example'] };
    const before = structuredClone(data);
    expect(maskedBy(schema, data)).toEqual({ id: '1', name: '***', born: null, shoeSize: null, emails: null });
    expect(data).toEqual(before);
  });

  it('is found within records, arrays, maps and unions, by a name that was used before, too', () => {
    const name = { name: 'name', type: 'string', ...personal };
    const schema = record('Order', [
      { name: 'buyer', type: ['null', record('Person', [name, { name: 'city', type: 'string' }])] },
      { name: 'others', type: { type: 'array', items: 'a.v1.Person' } },
      { name: 'roles', type: { type: 'map', values: ['a.v1.Person', record('Firm', [name])] } },
    ]);
    const one = { name: 'N', city: 'C' };
    expect(maskedBy(schema, { buyer: one, others: [one], roles: { agent: one, bank: { name: 'B' } } })).toEqual({
      buyer: { name: '***', city: 'C' },
      others: [{ name: '***', city: 'C' }],
      roles: { agent: { name: '***', city: 'C' }, bank: { name: '***' } },
    });
  });

  it('is found however deep a record holds itself', () => {
    const schema = record('Node', [
      { name: 'name', type: 'string', ...personal },
      { name: 'next', type: ['null', 'a.v1.Node'] },
    ]);
    const data = { name: 'a', next: { name: 'b', next: { name: 'c', next: null } } };
    const hidden = { name: '***', next: { name: '***', next: { name: '***', next: null } } };
    expect(maskedBy(schema, data)).toEqual(hidden);
  });

  it('is nothing where no field says so', () => {
    const schema = record('Plain', [
      { name: 'id', type: 'string', heddle: { personal: false } },
      { name: 'next', type: ['null', 'a.v1.Plain'] },
    ]);
    expect(maskedBy(schema, {})).toBe('nothing is personal');
  });
});
