// @vitest-environment-options {"process": "of files with plain kafkajs"}
import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { CHECKOUT } from '@heddle/infra';
import type { IHeaders } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { Arrivals } from '../support/arrivals.js';
import { CONTRACT_SIGNED, ORDERS, ORDER_CREATED, contractSigned } from '../support/cloud-event.js';
import { type LogRecord, appendRaw, foreignKafka, isPlainKafkajs, readTopic } from '../support/foreign-kafka.js';
import { call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { Orders, freshKey } from '../support/orders.js';
import { contractEvent, publish, publishBinary } from '../support/publishing.js';
import { type StreamClient, afterOpened, openSse } from '../support/stream-clients.js';
import { WebhookSink, eventOf } from '../support/webhook-sink.js';
import { deleteAllWebhooks, putWebhook } from '../support/webhooks.js';

const ground = inject('stack');
const kafka = foreignKafka(ground.kafkaBrokers);
const registry = new SchemaRegistry({ host: ground.registryUrl });
const SIGNED_SUBJECT = 'contract-heddle.contract.v1.ContractSigned';
/** Plain kafkajs arms timers with the time left of what is already late, and Node says so on the standard error. */
const QUIET = '--disable-warning=TimeoutNegativeWarning';
const kcat = ['kcat', 'kafkacat'].find(isInstalled);

let mesh: Mesh;
let gateway: string;
let orders: Orders;
let partner: string;
let stream: StreamClient;

beforeAll(async () => {
  expect(isPlainKafkajs()).toBe(true);
  mesh = await sharedMesh();
  gateway = mesh.url('gateway');
  orders = new Orders(mesh.url('business-partner'), mesh.url('sales-order'));
  partner = await orders.knownPartner();
  stream = await openSse(gateway, { types: `${CONTRACT_SIGNED},${ORDERS}` });
  await stream.events.until((events) => events.length > 0);
});

afterAll(async () => {
  stream.close();
  await deleteAllWebhooks(gateway);
  await mesh.stop();
});

describe('a Kafka client of somebody else', () => {
  test('reads our events with nothing but the broker and the registry: attributes as headers, data as Avro', async () => {
    const key = freshKey();
    await orders.create(key, partner);
    await arrived(({ subject }) => subject === key);
    const record = (await readTopic(kafka, 'sales-order')).find((one) => one.key === key)!;
    expect(record.headers).toMatchObject({
      ce_specversion: '1.0',
      ce_type: ORDER_CREATED,
      ce_source: '/heddle/sales-order',
      ce_subject: key,
      ce_partitionkey: key,
      ce_sequence: '000000000001',
      ce_dataref: `/v1/objects/sales-order/${key}?version=1`,
      'content-type': 'application/avro',
    });
    expect(await registry.decode(record.value!)).toMatchObject({ SalesOrder: key, SoldToParty: partner });
  });

  test('finds all events of a key in the partition where any other client would put them', async () => {
    const key = `C-${freshKey()}`;
    await publish(gateway, contractEvent(key));
    await appendRaw(kafka, 'contract', [await foreignContract(key, randomUUID())]);
    await arrived(({ subject, source }) => subject === key && source === '/foreign');
    const partitions = (await readTopic(kafka, 'contract')).filter((one) => one.key === key);
    expect(partitions).toHaveLength(2);
    expect(partitions[0]!.partition).toBe(partitions[1]!.partition);
  });

  test('writes an event that every receiver gets', async () => {
    const sink = await WebhookSink.start();
    await putWebhook(gateway, { url: sink.url, types: [CONTRACT_SIGNED] });
    const [key, id] = [`C-${freshKey()}`, randomUUID()];
    await appendRaw(kafka, 'contract', [await foreignContract(key, id)]);
    const deliveries = await sink.until((all) => all.some((delivery) => eventOf(delivery).id === id));
    const event = eventOf(deliveries.find((delivery) => eventOf(delivery).id === id)!);
    expect(event).toMatchObject({
      source: '/foreign',
      type: CONTRACT_SIGNED,
      subject: key,
      datacontenttype: 'application/json',
      data: { ...contractSigned(key), NetAmount: '1250.500' },
    });
    expect(await arrived((one) => one.id === id)).toMatchObject({ data: event.data });
    await sink.stop();
  });

  test('may be the example programs', async () => {
    const env = {
      ...process.env,
      KAFKA_BROKERS: ground.kafkaBrokers.join(','),
      SCHEMA_REGISTRY_URL: ground.registryUrl,
    };
    const key = `C-${freshKey()}`;
    const { stdout } = await promisify(execFile)(process.execPath, [example('kafka-producer.mjs'), key], { env });
    expect(await arrived(({ subject }) => subject === key)).toMatchObject({ id: stdout.trim(), source: '/example' });
    const args = [QUIET, example('kafka-consumer.mjs'), 'contract', `example-${randomUUID()}`];
    const consumer = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = new Arrivals<string>();
    consumer.stdout.setEncoding('utf8').on('data', (text: string) => lines.add(text));
    await lines.until((all) => all.join('').includes(`${key}  ${CONTRACT_SIGNED}  ${stdout.trim()}`));
    const ended = new Promise((resolve) => consumer.once('exit', resolve));
    consumer.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  if (kcat === undefined) process.stderr.write('kcat is not installed: the story that wants it is skipped\n');
  test.skipIf(kcat === undefined)('may be kcat, which shows keys, headers and the bytes of values', async () => {
    const key = freshKey();
    await orders.create(key, partner);
    await arrived(({ subject }) => subject === key);
    const format = '%k|%p|%h|%S\n';
    const { stdout } = await promisify(execFile)(
      kcat!,
      ['-b', ground.kafkaBrokers.join(','), '-C', '-t', 'sales-order', '-o', 'beginning', '-e', '-q', '-f', format],
      { maxBuffer: 64 * 1024 * 1024 },
    );
    const lines = stdout.split('\n').filter((line) => line.startsWith(`${key}|`));
    expect(lines).toHaveLength(2);
    const [, , headers = '', bytes] = lines[0]!.split('|');
    expect(headers.split(',')).toEqual(
      expect.arrayContaining(['ce_specversion=1.0', `ce_type=${ORDER_CREATED}`, `ce_subject=${key}`]),
    );
    expect(Number(bytes)).toBeGreaterThan(5);
  });
});

describe('a schema that is not compatible', () => {
  test('is refused by the registry under the subject of its event type', async () => {
    const incompatible = { ...(await signedSchema()), fields: [{ name: 'Contract', type: 'int' }] };
    const answer = await call('POST', `${ground.registryUrl}/subjects/${SIGNED_SUBJECT}/versions`, {
      body: { schema: JSON.stringify(incompatible) },
    });
    expect(answer.status, answer.text).toBe(409);
    const { headers, value } = await foreignContract('C-1', randomUUID());
    expect(headers).toBeDefined();
    expect(await registry.decode(value!)).toMatchObject({ Contract: 'C-1' });
  });

  test('is refused at publish too, when it was registered somewhere else', async () => {
    const name = `Foreign${randomUUID().replaceAll('-', '')}`;
    const schema = { type: 'record', namespace: 'test', name, fields: [{ name: 'Contract', type: 'string' }] };
    const { id } = await registry.register(
      { type: SchemaType.AVRO, schema: JSON.stringify(schema) },
      { subject: `contract-test.${name}` },
    );
    const attributes = { id: randomUUID(), source: '/test', type: CONTRACT_SIGNED };
    const value = await registry.encode(id, { Contract: 'C-1' });
    const answer = await publishBinary(gateway, attributes, 'application/avro', value);
    expect(answer.json).toMatchObject({ status: 404, code: 'schema-unknown', field: 'data' });
  });
});

describe('records that are no events', () => {
  test('are set aside with the reason and their bytes, and everything after them flows', async () => {
    const sink = await WebhookSink.start();
    await putWebhook(gateway, { url: sink.url, types: [CONTRACT_SIGNED] });
    const [key, id] = [`C-${freshKey()}`, randomUUID()];
    const good = await foreignContract(key, id);
    const brokenAvro = Buffer.concat([good.value!.subarray(0, 5), Buffer.from([0xff, 0xff, 0xff])]);
    const unknownSchema = Buffer.from(good.value!);
    unknownSchema.writeInt32BE(2_000_000_002, 1);
    const garbage: [reason: string, record: { key: string | null; value: Buffer | null; headers?: IHeaders }][] = [
      ['no-value', { ...good, value: null }],
      ['no-key', { ...good, key: null }],
      ['no-attributes', { key, value: good.value }],
      ['no-attributes', { key, value: Buffer.from('what is this') }],
      ['attribute-invalid', { ...good, headers: { ...good.headers, ce_type: '' } }],
      ['content-type-unsupported', { ...good, headers: { ...good.headers, 'content-type': 'text/xml' } }],
      ['schema-unknown', { ...good, value: unknownSchema }],
      ['data-invalid', { ...good, value: brokenAvro }],
    ];
    // In the partition of the good one, before it: what it might stop comes behind it.
    await appendRaw(kafka, 'contract', [await foreignContract(key, randomUUID())]);
    const { partition } = (await readTopic(kafka, 'contract')).find((record) => record.key === key)!;
    const before = await setAside();
    await appendRaw(kafka, 'contract', [
      ...garbage.map(([, record]) => ({ ...record, partition })),
      { ...good, partition },
    ]);
    await sink.until((all) => all.some((delivery) => eventOf(delivery).id === id));
    await arrived((event) => event.id === id);
    expect(afterOpened(stream).filter(({ subject }) => subject === key)).toHaveLength(2);
    expect(sink.deliveries.filter((delivery) => eventOf(delivery).subject === key)).toHaveLength(2);

    const known = new Set(before.map((record) => record.key));
    const copies = await vi.waitFor(
      async () => {
        const fresh = (await setAside()).filter((record) => !known.has(record.key));
        expect(fresh).toHaveLength(garbage.length);
        return fresh;
      },
      { timeout: 10_000 },
    );
    expect(copies.map(({ headers }) => headers['heddle-reason'])).toEqual(garbage.map(([reason]) => reason));
    for (const [index, [, { value }]] of garbage.entries()) {
      expect(copies[index]!.key).toMatch(new RegExp(`^contract/${partition}/\\d+$`));
      expect(copies[index]!.value).toEqual(value ?? Buffer.alloc(0));
    }
    await sink.stop();
  });

  test('do not stop a service that listens, either', async () => {
    const garbage = { key: 'x', value: Buffer.from('what is this') };
    const partitions = Array.from({ length: 12 }, (_, partition) => partition);
    await appendRaw(
      kafka,
      'business-partner',
      partitions.map((partition) => ({ ...garbage, partition })),
    );
    expect(await orders.knownPartner()).toMatch(/^\d{10}$/);
  });

  /** The copies there are, in the order of the originals. */
  async function setAside(): Promise<LogRecord[]> {
    const offset = (record: LogRecord): number => Number(record.key?.split('/').at(-1));
    const copies = (await readTopic(kafka, 'heddle.set-aside')).filter(({ key }) => key?.startsWith('contract/'));
    const latest = new Map(copies.map((record) => [record.key, record]));
    return [...latest.values()].sort((one, other) => offset(one) - offset(other));
  }
});

/** A contract as a client encodes it that knows the registry and CloudEvents, and nothing of ours. */
async function foreignContract(
  key: string,
  id: string,
): Promise<{ key: string; value: Buffer | null; headers: IHeaders }> {
  const data = contractSigned(key);
  const value = await registry.encode(await registry.getLatestSchemaId(SIGNED_SUBJECT), {
    ...data,
    NetAmount: Buffer.from([0x13, 0x14, 0xc4]),
    EffectiveFrom: Date.parse(String(data['EffectiveFrom'])) / 86_400_000,
    SignedAt: Date.parse(String(data['SignedAt'])),
  });
  const headers = {
    ce_specversion: '1.0',
    ce_id: id,
    ce_source: '/foreign',
    ce_type: CONTRACT_SIGNED,
    ce_subject: key,
    'content-type': 'application/avro',
  };
  return { key, value, headers };
}

async function signedSchema(): Promise<object> {
  const { json } = await call('GET', `${ground.registryUrl}/subjects/${SIGNED_SUBJECT}/versions/latest`);
  return JSON.parse((json as { schema: string }).schema) as object;
}

async function arrived(is: (event: StreamClient['events']['all'][number]) => boolean): Promise<object> {
  return (await stream.events.until((events) => events.some(is))).find(is)!;
}

function example(file: string): string {
  return join(CHECKOUT, 'examples', file);
}

function isInstalled(command: string): boolean {
  try {
    execFileSync('which', [command], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
