import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import kafkajs from 'kafkajs';
import { WebSocketServer } from 'ws';
import { BARE_TOPIC } from '../bare-topic.js';
import { answer } from './answer.js';

export type BareFanOut = {
  /** Resolves with the port, when the topic is being read. */
  start(options: { brokers: string[] }): Promise<number>;
};

/**
 * The loop to compare fan-out with: the record as a string once, then `ws.send` for each client. No filters, no
 * resuming, no Avro, and nothing done about clients that are too slow.
 */
async function start({ brokers }: { brokers: string[] }): Promise<number> {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: false,
    handleProtocols: () => 'cloudevents.json',
  });
  server.on('connection', (client) => {
    client.on('error', () => client.terminate());
    client.send('{"opened":true}');
  });
  await once(server, 'listening');
  const kafka = new kafkajs.Kafka({ brokers, clientId: 'bare', logLevel: kafkajs.logLevel.ERROR });
  const consumer = kafka.consumer({ groupId: 'bench-bare', maxWaitTimeInMs: 250 });
  const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
  await consumer.connect();
  await consumer.subscribe({ topic: BARE_TOPIC });
  await consumer.run({
    eachBatch: ({ batch }) => {
      for (const { headers = {}, value } of batch.messages) {
        const attributes = Object.fromEntries(
          Object.entries(headers).map(([name, text]) => [name.replace(/^ce_/, ''), String(text)]),
        );
        const { specversion, id, ...rest } = attributes;
        const text = JSON.stringify({ specversion, id, ...rest, data_base64: value?.toString('base64') });
        for (const client of server.clients) client.send(text);
      }
      return Promise.resolve();
    },
  });
  await joined;
  return (server.address() as AddressInfo).port;
}

answer({ start } satisfies BareFanOut);
