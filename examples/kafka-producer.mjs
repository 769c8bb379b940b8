// Appends one event to Kafka with plain kafkajs and the registry's own client. Every receiver of the mesh gets it.
//
//   node examples/kafka-producer.mjs [contract, C-1]
//
// Brokers and registry are those of `npm start` unless KAFKA_BROKERS and SCHEMA_REGISTRY_URL say otherwise.
import { randomUUID } from 'node:crypto';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import kafkajs from 'kafkajs';

const [contract = 'C-1'] = process.argv.slice(2);
const brokers = (process.env.KAFKA_BROKERS ?? '127.0.0.1:9092').split(',');
const registry = new SchemaRegistry({
  host: process.env.SCHEMA_REGISTRY_URL ?? 'http://127.0.0.1:8181/apis/ccompat/v7',
});
const kafka = new kafkajs.Kafka({ clientId: 'example', brokers, logLevel: kafkajs.logLevel.ERROR });

// Subjects are named after the topic and the record (TopicRecordNameStrategy).
const schemaId = await registry.getLatestSchemaId('contract-heddle.contract.v1.ContractSigned');
const value = await registry.encode(schemaId, {
  Contract: contract,
  Counterparty: '17100002',
  // Avro's own forms: a decimal is its unscaled number, a date counts days, a timestamp milliseconds since 1970.
  NetAmount: bytesOf(1_250_500n),
  Currency: 'EUR',
  EffectiveFrom: Math.floor(Date.now() / 86_400_000),
  SignedAt: Date.now(),
  SignedBy: null,
  Document: {
    href: 'https://documents.example.com/contracts/1.pdf',
    mediaType: 'application/pdf',
    sizeBytes: 482_133,
    sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  },
});
const id = randomUUID();

const producer = kafka.producer({
  // Places keys as Java's clients do, so that all events of one contract stay in one partition, in order.
  createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  idempotent: true,
});
await producer.connect();
await producer.send({
  topic: 'contract',
  acks: -1,
  messages: [
    {
      key: contract,
      headers: {
        ce_specversion: '1.0',
        ce_id: id,
        ce_source: '/example',
        ce_type: 'heddle.contract.v1.Contract.Signed.v1',
        ce_subject: contract,
        ce_time: new Date().toISOString(),
        'content-type': 'application/avro',
      },
      value,
    },
  ],
});
await producer.disconnect();
console.log(id);

/** Two's complement, the highest byte first. */
function bytesOf(unscaled) {
  const hex = unscaled.toString(16);
  return Buffer.from(`00${hex.length % 2 === 0 ? '' : '0'}${hex}`, 'hex');
}
