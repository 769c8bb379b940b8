import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientKafka,
  Ctx,
  EventPattern,
  type KafkaContext,
  type KafkaOptions,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { Arrivals } from '../support/arrivals.js';
import { foreignKafka, readTopic } from '../support/foreign-kafka.js';
import { fromAvro, toAvro } from './avro-forms.js';
import type { ForeignClient, Found, Ground } from './foreign-client.js';
import { attributesIn, headersOf, placesIn } from './kafkajs-client.js';

/** A microservice of NestJS on Nest's own Kafka transport, both ways. */
export function nestClient({ kafkaBrokers, registryUrl }: Ground): ForeignClient {
  const registry = new SchemaRegistry({ host: registryUrl });
  const kafka = foreignKafka(kafkaBrokers);
  const client = { brokers: [...kafkaBrokers], clientId: 'nest', logLevel: 0 };
  return {
    name: 'a NestJS microservice on Nest’s own Kafka transport',
    modes: ['binary'],
    compressions: [],
    read: async (topic) => {
      const expected = (await readTopic(kafka, topic)).length;
      const found = new Arrivals<Found>();
      class Probes {
        async take(value: Buffer, context: KafkaContext): Promise<void> {
          const { key, headers = {}, offset } = context.getMessage();
          found.add({
            partition: context.getPartition(),
            offset: Number(offset),
            key: String(key),
            attributes: attributesIn(headers as Record<string, string>),
            data: fromAvro((await registry.decode(value)) as Parameters<typeof fromAvro>[0]),
          });
        }
      }
      decorate(Probes, 'take', EventPattern<string>(topic));
      Controller()(Probes);
      class App {}
      Module({ controllers: [Probes] })(App);
      const options = { client, consumer: { groupId: `nest-${randomUUID()}` }, subscribe: { fromBeginning: true } };
      const service = await NestFactory.createMicroservice<KafkaOptions>(App, {
        transport: Transport.KAFKA,
        options,
        logger: false,
      });
      await service.listen();
      const all = await found.until((records) => records.length >= expected);
      await service.close();
      return [...all];
    },
    write: async (topic, subject, orders) => {
      const schemaId = await registry.getLatestSchemaId(subject);
      const messages = await Promise.all(
        orders.map(async (order) => ({
          key: order.key,
          value: await registry.encode(schemaId, toAvro(order.data)),
          headers: headersOf(order, '/interop/nest'),
        })),
      );
      const producer = new ClientKafka({ client, producerOnlyMode: true });
      await producer.connect();
      await lastValueFrom(producer.emitBatch(topic, { messages }));
      await producer.close();
      return placesIn(await readTopic(kafka, topic));
    },
  };
}

/** As the compiler writes decorators, for classes that are made while a test runs. */
function decorate(target: { prototype: object }, name: string, decorator: MethodDecorator): void {
  decorator(target.prototype, name, Object.getOwnPropertyDescriptor(target.prototype, name) as PropertyDescriptor);
  Payload()(target.prototype, name, 0);
  Ctx()(target.prototype, name, 1);
}
