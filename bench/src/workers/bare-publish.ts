import avsc from 'avsc';
import fastify from 'fastify';
import kafkajs, { type Message, type Producer } from 'kafkajs';
import { BARE_TOPIC, BARE_TOPIC_PARTITIONS } from '../bare-topic.js';
import { answer } from './answer.js';

export type BarePublish = {
  /** Resolves with the port. */
  start(options: { brokers: string[] }): Promise<number>;
};

interface Incoming {
  id: string;
  source: string;
  type: string;
  time: string;
  data: { Contract: string };
}

interface Waiting {
  message: Message;
  done(): void;
}

/** As many producers side by side as the gateway has. */
const LANES = 3;

const text = (name: string): avsc.Schema => ({ name, type: 'string' }) as unknown as avsc.Schema;
const type = avsc.Type.forSchema({
  type: 'record',
  name: 'ContractDraftCreated',
  fields: [
    ...['Contract', 'Title', 'Counterparty', 'NetAmount', 'Currency', 'ValidFrom'].map(text),
    { name: 'ValidTo', type: ['null', 'string'] },
    ...['Kind', 'CreatedAt', 'Remark'].map(text),
  ],
} as avsc.Schema);

/** One idempotent producer with one request in flight; what comes meanwhile travels in the next. */
class Lane {
  #queue: Waiting[] = [];
  #isBusy = false;

  constructor(private readonly producer: Producer) {}

  add(waiting: Waiting): void {
    this.#queue.push(waiting);
    if (!this.#isBusy) queueMicrotask(() => void this.#drain());
  }

  async #drain(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#queue.length > 0) {
      const sent = this.#queue;
      this.#queue = [];
      await this.producer.send({ topic: BARE_TOPIC, acks: -1, messages: sent.map(({ message }) => message) });
      for (const { done } of sent) done();
    }
    this.#isBusy = false;
  }
}

/**
 * The loop to compare publishing with: HTTP, JSON and Avro and Kafka by the same libraries, and nothing of what a gateway is for:
 * no check of attributes and fields, no duplicates found, no refusals, no order kept through failures, no metrics.
 */
async function start({ brokers }: { brokers: string[] }): Promise<number> {
  const kafka = new kafkajs.Kafka({ brokers, clientId: 'bare', logLevel: kafkajs.logLevel.ERROR });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: BARE_TOPIC, numPartitions: BARE_TOPIC_PARTITIONS }] });
  await admin.disconnect();
  const lanes = await Promise.all(
    Array.from({ length: LANES }, async () => {
      const producer = kafka.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        createPartitioner: kafkajs.Partitioners.JavaCompatiblePartitioner,
      });
      await producer.connect();
      return new Lane(producer);
    }),
  );
  const append = (event: Incoming): Promise<void> => {
    const key = event.data.Contract;
    const lane = lanes[key.charCodeAt(key.length - 1) % LANES];
    return new Promise((done) => lane?.add({ message: messageOf(event), done }));
  };
  const server = fastify();
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.post('/v1/events', async (request, reply) => {
    const body = JSON.parse((request.body as Buffer).toString()) as Incoming | Incoming[];
    const events = Array.isArray(body) ? body : [body];
    await Promise.all(events.map(append));
    return reply.status(202).send({ accepted: events.length });
  });
  return Number(new URL(await server.listen({ host: '127.0.0.1', port: 0 })).port);
}

function messageOf({ id, source, type: eventType, time, data }: Incoming): Message {
  const value = type.toBuffer(data);
  return {
    key: data.Contract,
    value: Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), value]),
    headers: {
      ce_specversion: '1.0',
      ce_id: id,
      ce_source: source,
      ce_type: eventType,
      ce_time: time,
      ce_subject: data.Contract,
      ce_partitionkey: data.Contract,
      'content-type': 'application/avro',
    },
  };
}

answer({ start } satisfies BarePublish);
