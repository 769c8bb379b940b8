// @vitest-environment-options {"process": "of files with plain kafkajs"}
import { randomUUID } from 'node:crypto';
import { ConfluentSchemaRegistry } from '@heddle/schema';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { allOf } from '../support/arrivals.js';
import { isPlainKafkajs } from '../support/foreign-kafka.js';
import { call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { type Published, publishBatch } from '../support/publishing.js';
import {
  type QueueDelivery,
  type QueueSocket,
  deleteQueue,
  openQueueSocket,
  putQueue,
} from '../support/queue-clients.js';
import { compressionsIn } from './compressions.js';
import type { ForeignClient, Order } from './foreign-client.js';
import { kafkajsClient } from './kafkajs-client.js';
import { kcatClient } from './kcat-client.js';
import { nestClient } from './nest-client.js';
import { KEYS, ODD, type ProbeType, probe, probeType } from './probe.js';
import { programClient } from './program-client.js';
import { go, java, python } from './programs.js';

const ground = inject('stack');
const CODECS = ['gzip', 'snappy', 'lz4', 'zstd'];
const OF_EACH_CODEC = 20;
const BUILD_MS = 300_000;

const programs = [
  programClient(ground, java, {
    name: 'Java (kafka-clients, Apache Avro)',
    modes: ['binary', 'json', 'avro'],
    compressions: CODECS,
  }),
  programClient(ground, python, {
    name: 'Python (confluent-kafka, fastavro)',
    modes: ['binary', 'json', 'avro'],
    compressions: CODECS,
  }),
  programClient(ground, go, { name: 'Go (franz-go)', modes: ['binary'], compressions: CODECS }),
];
const clients: { client: ForeignClient; own: ProbeType }[] = [
  kafkajsClient(ground),
  nestClient(ground),
  ...programs,
  kcatClient(ground),
].map((client, index) => ({ client, own: probeType(`Foreign${index}`, `interop-${index}`) }));

/** What we write, in each of the three envelopes. */
const OURS = probeType('Raised', 'interop-ours');
const OURS_JSON = probeType('RaisedAsJson', 'interop-json', 'json');
const OURS_AVRO = probeType('RaisedAsAvro', 'interop-avro', 'avro');
const TYPES = [OURS, OURS_JSON, OURS_AVRO, ...clients.map(({ own }) => own)];

let mesh: Mesh;
let gateway: string;
let queue: string;
let socket: QueueSocket;
let published: Published[];

beforeAll(async () => {
  expect(isPlainKafkajs()).toBe(true);
  const registry = new ConfluentSchemaRegistry({ url: ground.registryUrl });
  for (const { subject, schema } of TYPES)
    await registry.register(subject, schema as Parameters<typeof registry.register>[1]);
  // Together, for each leaves a core idle while it fetches what it is made of.
  const builds = programs.filter(({ missing }) => missing === undefined).map(({ build }) => build());
  [mesh] = await Promise.all([sharedMesh(), ...builds]);
  gateway = mesh.url('gateway');
  queue = await putQueue(gateway, { types: TYPES.map(({ type }) => type), order: 'none' });
  socket = await openQueueSocket(gateway, queue, {
    credit: 10_000,
    onDelivery: (delivery, from) => void from.accept([delivery]),
  });
  published = await publishProbes(OURS, [...KEYS.map((key) => probe(key)), ...oddProbes()]);
}, BUILD_MS);

afterAll(async () => {
  socket.close();
  await deleteQueue(gateway, queue);
  await mesh.stop();
  for (const { subject } of TYPES) await call('DELETE', `${ground.registryUrl}/subjects/${subject}`);
});

for (const { client, own } of clients) {
  const { missing } = client;
  if (missing !== undefined) process.stderr.write(`${client.name} is not tried here: there is ${missing}\n`);
  describe.skipIf(missing !== undefined)(
    missing === undefined ? client.name : `${client.name} (${missing} here)`,
    () => {
      test('reads our events: attributes, key and data of every type, in the partitions where we put them', async () => {
        const found = new Map((await client.read(OURS.topic)).map((one) => [one.attributes['id'], one]));
        expect(found.size).toBe(published.length);
        for (const { id, subject, partition, offset } of published) {
          expect(found.get(id)).toMatchObject({
            partition,
            offset,
            key: subject,
            attributes: {
              specversion: '1.0',
              source: '/interop',
              type: OURS.type,
              subject,
              partitionkey: subject,
              datacontenttype: 'application/avro',
            },
            data: probes.get(id),
          });
        }
      });

      describe('writes events', () => {
        const orders = ordersOf(client, own);
        let places: Map<string, number>;

        beforeAll(async () => {
          places = await client.write(own.topic, own.subject, orders);
        });

        test('with each key in the partition where we put it', () => {
          const ours = new Map(published.map(({ subject, partition }) => [subject, partition]));
          const theirs = orders.map(({ id, key }) => [key, places.get(id)]);
          expect(theirs).toEqual(orders.map(({ key }) => [key, ours.get(key)]));
          expect(new Set(places.values()).size).toBe(12);
        });

        test(`that a queue hands out as JSON, whatever ${wordsFor(client)}`, async () => {
          const arrived = await deliveries(orders.map(({ id }) => id));
          for (const { id, type, key, data } of orders) {
            expect(arrived.get(id)?.event).toMatchObject({
              type,
              subject: key,
              datacontenttype: 'application/json',
              data,
            });
          }
        });

        test.each([client].filter(({ compressions }) => compressions.length > 0))(
          'in batches that are packed as it was told',
          async ({ compressions }) => {
            const seen = await compressionsIn(ground.kafkaBrokers, own.topic, compressions.length);
            expect(seen).toEqual(compressions.toSorted());
          },
        );
      });
    },
  );
}

describe('a topic that asks for its events as a whole', () => {
  const [, , javaClient, pythonClient] = clients.map(({ client }) => client);
  for (const client of [javaClient!, pythonClient!]) {
    test.skipIf(client.missing !== undefined).each([
      ['JSON', OURS_JSON, 'application/json'],
      ['Avro', OURS_AVRO, 'application/avro'],
    ])(`gets them in the CloudEvents %s format, as ${client.name} sees`, async (_, ours, datacontenttype) => {
      const events = await publishProbes(ours, oddProbes());
      const found = new Map((await client.read(ours.topic)).map((one) => [one.attributes['id'], one]));
      const arrived = await deliveries(events.map(({ id }) => id));
      for (const { id, subject, partition } of events) {
        const data = probes.get(id);
        const attributes = { specversion: '1.0', type: ours.type, subject, datacontenttype };
        expect(found.get(id)).toMatchObject({ partition, key: subject, attributes, data });
        // No receiver sees in which envelope it came.
        expect(arrived.get(id)?.event).toMatchObject({ subject, datacontenttype: 'application/json', data });
        expect(arrived.get(id)?.event.dataschema).toMatch(/\/v1\/schemas\/\d+$/);
      }
    });
  }
});

/** What was published under an id. */
const probes = new Map<string, object>();

async function publishProbes(ours: ProbeType, all: readonly ReturnType<typeof probe>[]): Promise<Published[]> {
  const events = all.map((data) => ({
    specversion: '1.0',
    id: randomUUID(),
    source: '/interop',
    type: ours.type,
    data,
  }));
  for (const { id, data } of events) probes.set(id, data);
  const answer = await publishBatch(gateway, events);
  expect(answer.status, answer.text.slice(0, 300)).toBe(202);
  const { results } = answer.json as { results: Published[] };
  return events.map(({ id, data }, index) => ({ ...results[index]!, id, subject: data.Probe }));
}

function oddProbes(): ReturnType<typeof probe>[] {
  return ODD.map((odd, index) => probe(`odd-${index}`, odd));
}

/** All keys, data at its edges, each compression, each mode. */
function ordersOf({ modes, compressions }: ForeignClient, { type }: ProbeType): Order[] {
  const mode = modes[0]!;
  const order = (key: string, more: Partial<Order> = {}): Order => ({
    id: randomUUID(),
    type,
    key,
    data: probe(key),
    mode,
    ...more,
  });
  return [
    ...KEYS.map((key) => order(key)),
    ...ODD.map((odd, index) => order(`odd-${index}`, { data: probe(`odd-${index}`, odd) })),
    ...compressions.flatMap((compression) =>
      KEYS.slice(0, OF_EACH_CODEC).map((key) =>
        order(key, { compression, data: probe(key, { Note: 'n'.repeat(400) }) }),
      ),
    ),
    ...modes.slice(1).flatMap((other) => KEYS.slice(0, 5).map((key) => order(key, { mode: other }))),
  ];
}

function wordsFor({ modes, compressions }: ForeignClient): string {
  const packed = compressions.length === 0 ? [] : [`of ${compressions.join(', ')} packed them`];
  const whole = modes.length === 1 ? [] : ['mode they are in'];
  return [...packed, ...whole].join(' and ') || 'their data is';
}

async function deliveries(ids: readonly string[]): Promise<Map<string, QueueDelivery>> {
  const all = await socket.deliveries.until(
    allOf(ids, ({ event }) => event.id),
    { timeoutMs: 30_000 },
  );
  return new Map(all.map((delivery) => [delivery.event.id, delivery]));
}
