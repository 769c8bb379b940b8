import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import kafkajs, { type IHeaders } from 'kafkajs';
import { foreignKafka, readTopic } from '../support/foreign-kafka.js';
import { fromAvro, toAvro } from './avro-forms.js';
import type { ForeignClient, Found, Ground, Order } from './foreign-client.js';

/** Plain kafkajs with the registry's own client. */
export function kafkajsClient({ kafkaBrokers, registryUrl }: Ground): ForeignClient {
  const kafka = foreignKafka(kafkaBrokers);
  const registry = new SchemaRegistry({ host: registryUrl });
  return {
    name: 'kafkajs with @kafkajs/confluent-schema-registry',
    modes: ['binary'],
    compressions: ['gzip'],
    read: async (topic) => {
      const records = await readTopic(kafka, topic);
      return Promise.all(
        records.map(async ({ partition, offset, key = '', headers, value }) => ({
          partition,
          offset,
          key,
          attributes: attributesIn(headers),
          data: fromAvro((await registry.decode(value!)) as Parameters<typeof fromAvro>[0]),
        })),
      );
    },
    write: async (topic, subject, orders) => {
      const schemaId = await registry.getLatestSchemaId(subject);
      // It places keys as Java does.
      const createPartitioner = kafkajs.Partitioners.DefaultPartitioner;
      const producer = kafka.producer({ createPartitioner, idempotent: true, maxInFlightRequests: 1 });
      await producer.connect();
      for (const compression of new Set(orders.map((order) => order.compression))) {
        const own = orders.filter((order) => order.compression === compression);
        const messages = await Promise.all(
          own.map(async (order) => ({
            key: order.key,
            value: await registry.encode(schemaId, toAvro(order.data)),
            headers: headersOf(order, '/interop/kafkajs'),
          })),
        );
        const { GZIP, None } = kafkajs.CompressionTypes;
        await producer.send({ topic, acks: -1, messages, compression: compression === 'gzip' ? GZIP : None });
      }
      await producer.disconnect();
      return placesIn(await readTopic(kafka, topic));
    },
  };
}

/** Attributes as the CloudEvents Kafka binding has them in binary mode. */
export function headersOf({ id, type, key }: Order, source: string): IHeaders {
  return {
    ce_specversion: '1.0',
    ce_id: id,
    ce_source: source,
    ce_type: type,
    ce_subject: key,
    'content-type': 'application/avro',
  };
}

export function attributesIn(headers: Record<string, string>): Found['attributes'] {
  const attributes = Object.entries(headers).map(([name, text]) => [name.replace(/^ce_/, ''), text] as const);
  return Object.fromEntries(
    attributes.map(([name, text]) => [name === 'content-type' ? 'datacontenttype' : name, text]),
  );
}

/** In which partition each event stands, by its id. */
export function placesIn(
  records: readonly { partition: number; headers: Record<string, string> }[],
): Map<string, number> {
  return new Map(records.map(({ partition, headers }) => [headers['ce_id'] ?? '', partition]));
}
