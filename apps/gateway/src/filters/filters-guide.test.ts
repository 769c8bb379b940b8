import { readFile } from 'node:fs/promises';
import type { StoredEvent } from '@heddle/event';
import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FilterExpression } from './filter.js';
import { CEL_LIMITS } from './cel-expression.js';
import { CEL_STEPS } from './cel-meter.js';
import { FILTER_LIMITS, compileFilter, filterDialects } from './filters.js';

const registry = new MemorySchemaRegistry();
const codec = new AvroCodec(registry);
const catalogue = new Catalogue(registry, codec);
let guide: string;
/** The example of every event type there is, as it comes back from the log. */
let events: StoredEvent[];

beforeAll(async () => {
  guide = await readFile('docs/guides/filters.md', 'utf8');
  await registerSchemas(registry, await loadSchemaFiles('schemas'));
  await catalogue.refresh();
  events = catalogue.list().map(({ type, topic, key, schemaId, example }) => {
    const value = codec.encode(schemaId, example);
    const { data } = codec.decode(value);
    const subject = (data as Record<string, string>)[key]!;
    const attributes = { id: type, source: `/heddle/${topic}`, type, subject, time: '2026-01-31T12:00:00.000Z' };
    return { topic, partition: 0, offset: 0, key: subject, appendedAt: 0, value, attributes, data, schemaId };
  });
});

afterAll(() => {
  catalogue.close();
});

it('every filter of the guide matches what the guide says', () => {
  const examples = [...guide.matchAll(/```json\n(.*?)```/gs)].map(
    ([, json]) => JSON.parse(json!) as FilterExpression[],
  );
  const matched = examples.map((filter) => {
    const compiled = compileFilter(filter);
    return events.filter((event) => compiled.matches(event)).map(({ attributes }) => attributes.type.split('.').at(-2));
  });
  const ofOrders = events.filter(({ topic }) => topic === 'sales-order').map(({ attributes }) => attributes.type);
  const actions = ofOrders.map((type) => type.split('.').at(-2)!);
  const items = actions.filter((action) => /^(Item|Itm)/.test(action)).sort();
  const orders = actions.filter((action) => !items.includes(action)).sort();
  expect([items.length, orders.length]).toEqual([12, 11]);
  expect(matched.map((names) => names.sort())).toEqual([
    [...orders, ...items].sort(),
    ['Created', 'Deleted'],
    orders,
    ['OvrlDelivStsChgd'],
    items,
    ['Signed'],
  ]);
});

it('every expression in its text is taken, and sees data as the guide says', () => {
  const data = { Count: 5, NetAmount: '12.50', Long: '9007199254740993', SignedAt: '2026-02-14T09:30:00.000Z' };
  const event = {
    ...events[0]!,
    data: { ...data, SignedBy: 'Head of Purchasing', Product: 'TG11', Items: [{ Quantity: 11 }] },
  };
  const inText = guide.replaceAll(/```.*?```/gs, '').matchAll(/`([^`]*(?:data\.|attributes\.|timestamp\()[^`]*)`/g);
  const expressions = [...inText].map(([, text]) => text!);
  const conditions = expressions.filter((text) => / [<>=!]=? |exists\(|has\(/.test(text));
  expect(conditions.length).toBeGreaterThan(6);
  for (const cel of conditions) {
    const expected = !cel.includes('correlationid') && !cel.includes("'x'");
    expect(`${cel}: ${compileFilter([{ cel }]).matches(event)}`).toBe(`${cel}: ${expected}`);
  }
  for (const cel of ['data.Count + 1.0 == 6.0', 'int(data.Count) % 2 == 1', 'int(data.Long) == 9007199254740993']) {
    expect(compileFilter([{ cel }]).matches(event)).toBe(true);
  }
});

it('the guide names every dialect, and the bounds as they are', () => {
  for (const { name } of filterDialects) expect(guide).toContain(`\`${name}\``);
  const plain = guide.replaceAll(/\s+/g, ' ');
  expect(plain).toContain(`${FILTER_LIMITS.list} filters in a list, ${FILTER_LIMITS.expressions} in all`);
  expect(plain).toContain(`${FILTER_LIMITS.cel} of them in \`cel\`, ${FILTER_LIMITS.depth} in one another`);
  expect(plain).toContain(
    `${CEL_LIMITS.length.toLocaleString('en')} characters, ${CEL_LIMITS.nodes} nodes, ${CEL_LIMITS.depth}`,
  );
  expect(plain).toContain(`${CEL_LIMITS.list} elements`);
  expect(plain).toContain(`${CEL_STEPS.toLocaleString('en')} steps`);
});
