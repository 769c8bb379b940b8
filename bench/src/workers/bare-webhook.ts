import { createHmac, createSecretKey } from 'node:crypto';
import avsc from 'avsc';
import kafkajs, { type KafkaMessage } from 'kafkajs';
import { type Dispatcher, Pool } from 'undici';
import { BARE_TOPIC } from '../bare-topic.js';
import { answer } from './answer.js';

export interface BareDrain {
  brokers: string[];
  registryUrl: string;
  topic: string;
  url: string;
  events: number;
}

export type BareWebhook = {
  /** Sends what the topic has from its beginning; resolves when so many events were answered. */
  drain(options: BareDrain): Promise<void>;
  /** Posts one signed event again and again, for the most that a sink takes: seconds. */
  flood(options: { url: string; requests: number }): Promise<number>;
};

const IN_FLIGHT = 200;
const OUTCOMES_EVERY_MS = 200;
const key = createSecretKey(Buffer.alloc(32, 7));

/** So many requests at once, each of which tells when it is answered. */
class Sender {
  readonly #pool: Pool;
  inFlight = 0;
  answered = 0;
  onAnswer: () => void = () => undefined;

  constructor(url: string) {
    this.#pool = new Pool(new URL(url).origin, { connections: IN_FLIGHT, pipelining: 1 });
  }

  post(id: string, body: string, onDone: (id: string, status: number) => void): void {
    this.inFlight += 1;
    const seconds = Math.floor(Date.now() / 1000);
    const signature = createHmac('sha256', key).update(`${id}.${seconds}.`).update(body).digest('base64');
    let status = 0;
    const ended = (): void => {
      this.inFlight -= 1;
      this.answered += 1;
      onDone(id, status);
      this.onAnswer();
    };
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: () => undefined,
      onResponseStart: (_controller, code) => {
        status = code;
      },
      onResponseData: () => undefined,
      onResponseEnd: ended,
      onResponseError: ended,
    };
    const headers = [
      'content-type',
      'application/cloudevents+json; charset=utf-8',
      'webhook-id',
      id,
      'webhook-timestamp',
      String(seconds),
      'webhook-signature',
      `v1,${signature}`,
    ];
    this.#pool.dispatch({ method: 'POST', path: '/0', headers, body }, handler);
  }

  /** Resolves when there is room for another request. */
  room(): Promise<void> | undefined {
    if (this.inFlight < IN_FLIGHT) return undefined;
    return new Promise((resolve) => {
      this.onAnswer = () => {
        if (this.inFlight < IN_FLIGHT) resolve();
      };
    });
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

/**
 * The loop to compare delivery with: Kafka, Avro, HMAC and HTTP by the same libraries, and nothing of what an engine is
 * for: no leases, no order, no progress that could go on after a stop, no retries; an outcome is a line in a topic.
 */
async function drain({ brokers, registryUrl, topic, url, events }: BareDrain): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers, clientId: 'bare', logLevel: kafkajs.logLevel.ERROR });
  const producer = kafka.producer({ allowAutoTopicCreation: true });
  const consumer = kafka.consumer({ groupId: `bench-bare-${Date.now()}`, maxWaitTimeInMs: 250 });
  await Promise.all([producer.connect(), consumer.connect()]);
  const sender = new Sender(url);
  const types = new Map<number, avsc.Type>();
  let outcomes: string[] = [];
  const append = async (): Promise<void> => {
    if (outcomes.length === 0) return;
    const value = outcomes.join('\n');
    outcomes = [];
    await producer.send({ topic: BARE_TOPIC, messages: [{ value }] });
  };
  const timer = setInterval(() => void append().catch(() => undefined), OUTCOMES_EVERY_MS);
  const onDone = (id: string, status: number): void => void outcomes.push(`${id} ${status} ${Date.now()}`);
  const all = Promise.withResolvers<void>();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const message of batch.messages) {
        if (message.value === null) continue;
        const schemaId = message.value.readInt32BE(1);
        const type = types.get(schemaId) ?? (await typeOf(registryUrl, schemaId, types));
        const { id, body } = cloudEvent(message, type);
        sender.post(id, body, onDone);
        const room = sender.room();
        if (room !== undefined) await room;
      }
      sender.onAnswer = () => {
        if (sender.answered >= events) all.resolve();
      };
      sender.onAnswer();
    },
  });
  await all.promise;
  clearInterval(timer);
  await append();
  await consumer.disconnect();
  await Promise.all([producer.disconnect(), sender.close()]);
}

function cloudEvent({ headers = {}, value }: KafkaMessage, type: avsc.Type): { id: string; body: string } {
  const attributes: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(headers)) {
    if (name.startsWith('ce_')) attributes[name.slice(3)] = String(text);
  }
  const data = type.fromBuffer((value ?? Buffer.alloc(0)).subarray(5)) as Record<string, unknown>;
  for (const [name, field] of Object.entries(data)) {
    if (Buffer.isBuffer(field)) data[name] = field.toString('base64');
  }
  attributes['datacontenttype'] = 'application/json';
  attributes['data'] = data;
  return { id: String(attributes['id']), body: JSON.stringify(attributes) };
}

async function typeOf(registryUrl: string, id: number, types: Map<number, avsc.Type>): Promise<avsc.Type> {
  const answered = await fetch(`${registryUrl}/schemas/ids/${id}`);
  if (!answered.ok) throw new Error(`The registry answered ${answered.status} for schema ${id}.`);
  const { schema } = (await answered.json()) as { schema: string };
  const type = avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema);
  types.set(id, type);
  return type;
}

async function flood({ url, requests }: { url: string; requests: number }): Promise<number> {
  const sender = new Sender(url);
  const body = JSON.stringify({ data: 'x'.repeat(1000) });
  const begun = performance.now();
  const done = Promise.withResolvers<void>();
  let sent = 0;
  const fill = (): void => {
    while (sent < requests && sender.inFlight < IN_FLIGHT) {
      sent += 1;
      sender.post('0', body, () => undefined);
    }
    if (sender.answered >= requests) done.resolve();
  };
  sender.onAnswer = fill;
  fill();
  await done.promise;
  const seconds = (performance.now() - begun) / 1000;
  await sender.close();
  return seconds;
}

answer({ drain, flood } satisfies BareWebhook);
