import kafkajs from 'kafkajs';
import { answer } from './answer.js';
import { BareDecoder, type Pass, type Passed, Tally } from './consumed.js';

export type BareConsume = {
  consume(pass: Pass): Promise<Passed>;
};

/**
 * The loop to compare consuming with: records fetched by kafkajs, values decoded by avsc, one call each, in the order of
 * the partition. No envelope is read or checked, nothing is retried, no key goes on beside another.
 */
async function consume({ brokers, registryUrl, topic, group, events }: Pass): Promise<Passed> {
  const kafka = new kafkajs.Kafka({ brokers, clientId: 'bare', logLevel: kafkajs.logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: group, maxWaitTimeInMs: 250 });
  const tally = new Tally(events);
  const decoder = new BareDecoder(registryUrl);
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const { value } of batch.messages) {
        if (value === null) continue;
        if (!decoder.knows(value)) await decoder.learn(value);
        tally.handle(decoder.decode(value));
      }
    },
  });
  const passed = await tally.all.promise;
  await consumer.disconnect();
  return passed;
}

answer({ consume } satisfies BareConsume);
