// Reads events from Kafka with plain kafkajs and the registry's own client: nothing of Heddle is needed on this side.
//
//   node examples/kafka-consumer.mjs [topic, sales-order] [group, example]
//
// Brokers and registry are those of `npm start` unless KAFKA_BROKERS and SCHEMA_REGISTRY_URL say otherwise.
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import kafkajs from 'kafkajs';

const [topic = 'sales-order', groupId = 'example'] = process.argv.slice(2);
const brokers = (process.env.KAFKA_BROKERS ?? '127.0.0.1:9092').split(',');
const registry = new SchemaRegistry({
  host: process.env.SCHEMA_REGISTRY_URL ?? 'http://127.0.0.1:8181/apis/ccompat/v7',
});
const kafka = new kafkajs.Kafka({ clientId: 'example', brokers, logLevel: kafkajs.logLevel.ERROR });

const consumer = kafka.consumer({ groupId });
await consumer.connect();
await consumer.subscribe({ topics: [topic], fromBeginning: true });
await consumer.run({
  eachMessage: async ({ partition, message }) => {
    // The attributes of the event are headers (CloudEvents Kafka binding, binary mode); the value is its data as Avro.
    const { ce_type: type, ce_id: id, ce_sequence: sequence = '' } = message.headers;
    const data = await registry.decode(message.value);
    const key = message.key?.toString();
    console.log(`${partition}/${message.offset}  ${key}  ${type}  ${id} ${sequence}  ${JSON.stringify(data)}`);
  },
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void consumer.disconnect());
