import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest';
import { KafkaConsumerGroups } from './consumer-groups.js';

const topic = `groups-${randomUUID()}`;
const other = `others-${randomUUID()}`;
let groups: KafkaConsumerGroups;
let kafka: kafkajs.Kafka;

beforeAll(async () => {
  const { kafkaBrokers: brokers } = inject('stack');
  groups = new KafkaConsumerGroups({ brokers, clientId: 'test' });
  kafka = new kafkajs.Kafka({ clientId: 'test', brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic }, { topic: other }] });
  await admin.disconnect();
});

afterAll(() => groups.close());

it('the groups that read a topic are those that subscribe to it, and those that have a position in it', async () => {
  expect(await groups.readersOf(topic)).toEqual([]);
  const [one, two] = [await consumerOf(topic), await consumerOf(other)];
  await vi.waitFor(async () => expect(await groups.readersOf(topic)).toEqual([one.group]), { timeout: 10_000 });
  expect(await groups.readersOf(other)).toEqual([two.group]);

  const admin = kafka.admin();
  await admin.connect();
  await one.consumer.disconnect();
  await admin.setOffsets({ groupId: one.group, topic, partitions: [{ partition: 0, offset: '0' }] });
  await admin.disconnect();
  expect(await groups.readersOf(topic)).toEqual([one.group]);
  await two.consumer.disconnect();
});

it('nobody reads a topic that there is not, and asking does not make it', async () => {
  const missing = `missing-${randomUUID()}`;
  expect(await groups.readersOf(missing)).toEqual([]);
  const admin = kafka.admin();
  await admin.connect();
  expect(await admin.listTopics()).not.toContain(missing);
  await admin.disconnect();
});

async function consumerOf(read: string): Promise<{ group: string; consumer: kafkajs.Consumer }> {
  const group = `group-${randomUUID()}`;
  const consumer = kafka.consumer({ groupId: group });
  await consumer.connect();
  await consumer.subscribe({ topics: [read] });
  await consumer.run({ eachMessage: async () => undefined });
  return { group, consumer };
}
