import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AvroCodec,
  ConfluentSchemaRegistry,
  type AvroSchema,
  loadSchemaFiles,
  pushSchemas,
  runSchemaCommand,
  subjectOf,
} from '@heddle/schema';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { foreignKafka } from '../support/foreign-kafka.js';
import { call } from '../support/http-call.js';
import { Mesh } from '../support/mesh.js';
import { publish, publishBinary } from '../support/publishing.js';
import { pullDeliveries, putQueue, settlePulled } from '../support/queue-clients.js';

const WAIT = { timeout: 30_000 };
/** A type of its own for each run: a registry keeps what it was given. */
const RUN = randomUUID().slice(0, 8);
const TOPIC = `shipment-${RUN}`;
const TYPE = `heddle.shipment-${RUN}.v1.Shipment.Sent.v1`;

interface Field {
  name: string;
  type: unknown;
  doc: string;
  default?: unknown;
}

const SHIPMENT: Field = { name: 'Shipment', type: 'string', doc: 'Number.' };
const WEIGHT: Field = { name: 'Weight', type: 'int', doc: 'Grams.' };
const CARRIER: Field = { name: 'Carrier', type: ['null', 'string'], default: null, doc: 'Who carries it.' };
const INSURED: Field = { name: 'Insured', type: 'boolean', doc: 'Whether it is insured.' };

const V1 = version([SHIPMENT, WEIGHT]);
const V2 = version([SHIPMENT, WEIGHT, CARRIER]);
/** Weight is gone, and Insured has no default. */
const V3 = version([SHIPMENT, CARRIER, INSURED]);

function version(fields: readonly Field[]): AvroSchema {
  const values: Record<string, unknown> = { Shipment: '1', Weight: 1, Carrier: null, Insured: true };
  const example = Object.fromEntries(fields.map(({ name }) => [name, values[name]]));
  const heddle = { type: TYPE, topic: TOPIC, key: 'Shipment', summary: 'A shipment was sent.', example };
  const name = 'ShipmentSent';
  const namespace = `heddle.shipment_${RUN}.v1`;
  return { type: 'record', namespace, name, doc: 'A shipment was sent.', heddle, fields } as unknown as AvroSchema;
}

let mesh: Mesh;
let gateway: string;
let registry: ConfluentSchemaRegistry;
let dir: string;
const consumers: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  const { registryUrl } = inject('stack');
  mesh = await Mesh.start({ ground: inject('stack'), apps: ['gateway'] });
  gateway = mesh.url('gateway');
  registry = new ConfluentSchemaRegistry({ url: registryUrl });
  dir = await mkdtemp(join(tmpdir(), 'heddle-evolution-'));
});

afterAll(async () => {
  await Promise.all(consumers.map((consumer) => consumer.stop()));
  await mesh.stop();
  await rm(dir, { recursive: true, force: true });
});

test('versions come while old and new producers and consumers go on; one that would break them is refused everywhere', async () => {
  const first = await push(V1);
  await published(json('a1', { Weight: 10 }));
  const queue = await putQueue(gateway, { types: [TYPE], start: 'earliest' });
  const old = await consumerOf(first);
  await vi.waitFor(() => expect(old.seen).toEqual([{ Shipment: 'a1', Weight: 10 }]), WAIT);

  const second = await push(V2);
  expect(second).not.toBe(first);
  await published(json('b1', { Weight: 20, Carrier: 'rail' }));
  // A producer that nobody has touched goes on with the first version.
  await published(await avro(first, { Shipment: 'a2', Weight: 11 }));
  await published(await avro(second, { Shipment: 'b2', Weight: 21, Carrier: 'road' }));

  const all = ['a1', 'b1', 'a2', 'b2'];
  await vi.waitFor(() => expect(keysOf(old.seen)).toEqual(all.toSorted()), WAIT);
  expect(old.seen.every((data) => !('Carrier' in data))).toBe(true);
  const young = await consumerOf(second);
  await vi.waitFor(() => expect(keysOf(young.seen)).toEqual(all.toSorted()), WAIT);
  const carriers = Object.fromEntries(young.seen.map((data) => [data['Shipment'], data['Carrier']]));
  expect(carriers).toEqual({ a1: null, a2: null, b1: 'rail', b2: 'road' });

  expect((await pulled(queue, all.length)).toSorted()).toEqual(all.toSorted());
  const replay = await call('POST', `${gateway}/v1/queues/${queue}/replay`, { body: { from: 'earliest' } });
  expect(replay.status, replay.text).toBe(202);
  expect((await pulled(queue, all.length)).toSorted()).toEqual(all.toSorted());

  await expectThirdRefused(queue);

  // What was refused has stopped nobody.
  await published(json('c1', { Weight: 30, Carrier: null }));
  await vi.waitFor(() => expect(keysOf(old.seen)).toContain('c1'), WAIT);
  await vi.waitFor(() => expect(keysOf(young.seen)).toContain('c1'), WAIT);
});

async function expectThirdRefused(queue: string): Promise<void> {
  const why = [
    'Shipment.Sent v3 adds Insured without a default: whoever reads with it cannot read what versions 1 and 2 wrote',
    'Shipment.Sent v3 takes away Weight, which had no default: whoever reads with versions 1 and 2 cannot read what is written with it',
  ];
  await put(V3);
  for (const command of ['check', 'push']) {
    const { code, lines } = await commandLine(command);
    expect(code).toBe(1);
    for (const words of why) expect(lines).toContain(words);
    expect(lines).toMatch(new RegExp(`; .*queue ${queue}.* reads? it`));
  }
  const subject = subjectOf(TOPIC, V3);
  expect(await registry.versions(subject)).toHaveLength(2);
  await expect(registry.register(subject, V3)).rejects.toMatchObject({
    code: 'schema-incompatible',
    message: expect.stringContaining('data.Insured') as string,
  });

  const asJson = await publish(gateway, json('x1', { Carrier: null, Insured: true }).event);
  expect(asJson).toMatchObject({ status: 422, json: { code: 'data-invalid' } });
  expect(asJson.text).toContain('data.Weight');
  // Registered elsewhere, past the subject's mode: its bytes are refused all the same.
  const astray = await registry.register(`astray-${RUN}`, V3);
  const { event, bytes } = await avro(astray, { Shipment: 'x2', Carrier: null, Insured: true });
  const asAvro = await publishBinary(gateway, event as Record<string, string>, 'application/avro', bytes!);
  expect(asAvro, asAvro.text).toMatchObject({ status: 409, json: { code: 'schema-incompatible' } });
  expect(asAvro.text).toContain('data.Insured');
}

interface Prepared {
  event: Record<string, unknown>;
  bytes?: Buffer;
}

function json(key: string, data: object): Prepared {
  const attributes = { specversion: '1.0', id: randomUUID(), source: '/test/shipments', type: TYPE };
  return { event: { ...attributes, data: { Shipment: key, ...data } } };
}

async function avro(schemaId: number, data: { Shipment: string; [field: string]: unknown }): Promise<Prepared> {
  const codec = new AvroCodec(registry);
  await codec.load(schemaId);
  const event = { id: randomUUID(), source: '/test/shipments', type: TYPE, subject: data.Shipment };
  return { event, bytes: codec.encode(schemaId, data) };
}

async function published({ event, bytes }: Prepared): Promise<void> {
  const answer =
    bytes === undefined
      ? await publish(gateway, event)
      : await publishBinary(gateway, event as Record<string, string>, 'application/avro', bytes);
  expect(answer.status, answer.text).toBe(202);
}

/** A running consumer on Kafka that sees every event, from the first one on, with one version of the schema. */
async function consumerOf(readerId: number): Promise<{ seen: Record<string, unknown>[] }> {
  const codec = new AvroCodec(registry);
  await codec.load(readerId);
  const seen: Record<string, unknown>[] = [];
  const consumer = foreignKafka(inject('stack').kafkaBrokers).consumer({ groupId: `shipments-${randomUUID()}` });
  await consumer.connect();
  await consumer.subscribe({ topics: [TOPIC], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      const wire = message.value as Buffer;
      await codec.load(wire.readUInt32BE(1));
      seen.push(codec.decodeAs(wire, readerId) as Record<string, unknown>);
    },
  });
  consumers.push({ stop: () => consumer.disconnect() });
  return { seen };
}

async function pulled(queue: string, count: number): Promise<string[]> {
  const keys: string[] = [];
  while (keys.length < count) {
    const deliveries = await pullDeliveries(gateway, queue, { max: count, waitMs: 10_000 });
    expect(deliveries).not.toEqual([]);
    keys.push(...deliveries.map(({ event }) => event.subject));
    await settlePulled(
      gateway,
      queue,
      deliveries.map(({ lease }) => ({ lease, action: 'accept' as const })),
    );
  }
  return keys;
}

function keysOf(seen: readonly Record<string, unknown>[]): string[] {
  return seen.map((data) => String(data['Shipment'])).toSorted();
}

async function put(schema: AvroSchema): Promise<void> {
  await mkdir(join(dir, TOPIC), { recursive: true });
  await writeFile(join(dir, TOPIC, 'ShipmentSent.avsc'), JSON.stringify(schema, null, 2));
}

async function push(schema: AvroSchema): Promise<number> {
  await put(schema);
  const [pushed] = await pushSchemas({ dir, files: await loadSchemaFiles(dir), registry });
  expect(pushed).toMatchObject({ outcome: expect.stringMatching(/new|compatible/) as string });
  return pushed!.id!;
}

async function commandLine(command: string): Promise<{ code: number; lines: string }> {
  const lines: string[] = [];
  const say = (line: string): void => void lines.push(line);
  const env = { SCHEMA_REGISTRY_URL: inject('stack').registryUrl };
  const io = { out: say, err: say, env, colour: false, gateway: { url: gateway, token: () => mesh.token() } };
  const code = await runSchemaCommand([command, '--dir', dir], io, 'heddle schema');
  return { code, lines: lines.join('\n') };
}
