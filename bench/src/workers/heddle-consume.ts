import { KafkaEventLog } from '@heddle/kafka';
import { AvroCodec, ConfluentSchemaRegistry } from '@heddle/schema';
import { answer } from './answer.js';
import { type Pass, type Passed, type SampleData, Tally } from './consumed.js';

export type HeddleConsume = {
  /** @param isAsync whether the handler is an async function, as most are, or returns at once */
  consume(pass: Pass & { isAsync: boolean }): Promise<Passed>;
};

async function consume({ brokers, registryUrl, topic, group, events, isAsync }: Pass & { isAsync: boolean }) {
  const codec = new AvroCodec(new ConfluentSchemaRegistry({ url: registryUrl }));
  const eventLog = new KafkaEventLog({ brokers, clientId: 'bench', codec });
  const tally = new Tally(events);
  const consumer = await eventLog.consume({
    group,
    topics: [topic],
    from: 'earliest',
    concurrency: 8,
    handle: isAsync
      ? async ({ data }) => tally.handle(data as SampleData)
      : ({ data }) => tally.handle(data as SampleData),
  });
  const passed = await tally.all.promise;
  await consumer.stop();
  await eventLog.close();
  return passed;
}

answer({ consume } satisfies HeddleConsume);
