import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Transport } from '@nestjs/microservices';
import { BARE_TOPIC } from '../bare-topic.js';
import { answer } from './answer.js';
import { BareDecoder, type Pass, type Passed, Tally } from './consumed.js';

export type NestConsume = {
  /** By Nest's own transport, in a process that knows nothing of ours. */
  consume(pass: Pass): Promise<Passed>;
};

let tally = new Tally(0);
let decoder: BareDecoder | undefined;

@Controller()
class Handlers {
  @EventPattern<string>(BARE_TOPIC)
  async on(value: Buffer): Promise<void> {
    if (decoder === undefined) return;
    if (!decoder.knows(value)) await decoder.learn(value);
    tally.handle(decoder.decode(value));
  }
}

@Module({ controllers: [Handlers] })
class App {}

async function consume({ brokers, registryUrl, group, events }: Pass): Promise<Passed> {
  decoder = new BareDecoder(registryUrl);
  tally = new Tally(events);
  const app = await NestFactory.createMicroservice(App, {
    logger: false,
    transport: Transport.KAFKA,
    options: {
      client: { brokers, clientId: 'nest' },
      consumer: { groupId: group, maxWaitTimeInMs: 250 },
      subscribe: { fromBeginning: true },
    },
  });
  await app.listen();
  const passed = await tally.all.promise;
  await app.close();
  return passed;
}

answer({ consume } satisfies NestConsume);
