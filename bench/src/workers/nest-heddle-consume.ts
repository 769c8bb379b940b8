import 'reflect-metadata';
import type { StoredEvent } from '@heddle/event';
import { EventLogStrategy, KafkaEventLog } from '@heddle/kafka';
import { AvroCodec, ConfluentSchemaRegistry } from '@heddle/schema';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern } from '@nestjs/microservices';
import { EVENT_TYPE } from '../sample-event.js';
import { answer } from './answer.js';
import { type Pass, type Passed, type SampleData, Tally } from './consumed.js';

export type NestHeddleConsume = {
  /** By Nest's handlers on our strategy. */
  consume(pass: Pass): Promise<Passed>;
};

let tally = new Tally(0);

@Controller()
class Handlers {
  @EventPattern<string>(EVENT_TYPE)
  async on({ data }: StoredEvent): Promise<void> {
    tally.handle(data as SampleData);
  }
}

@Module({ controllers: [Handlers] })
class App {}

async function consume({ brokers, registryUrl, topic, group, events }: Pass): Promise<Passed> {
  tally = new Tally(events);
  const codec = new AvroCodec(new ConfluentSchemaRegistry({ url: registryUrl }));
  const eventLog = new KafkaEventLog({ brokers, clientId: 'bench', codec });
  const strategy = new EventLogStrategy({ eventLog, group, topics: [topic], from: 'earliest', concurrency: 8 });
  const app = await NestFactory.createMicroservice(App, { logger: false, strategy });
  await app.listen();
  const passed = await tally.all.promise;
  await app.close();
  await eventLog.close();
  return passed;
}

answer({ consume } satisfies NestHeddleConsume);
