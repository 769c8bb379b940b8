import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { CONTROL_TOPICS, HeddleError } from '@heddle/event';
import { KafkaEventLog } from '@heddle/kafka';
import { AvroCodec, ConfluentSchemaRegistry } from '@heddle/schema';
import type { BusinessPartnerEvents } from '@heddle/schemas';
import type { Transaction } from 'kysely';
import { inject } from 'vitest';
import {
  type MeshHarness,
  type OpenedMesh,
  PARTNER_CHANGED,
  PARTNER_CREATED,
  meshContract,
} from '../../../test/src/contract/mesh.contract.js';
import { createMesh } from './create-mesh.js';
import { MemoryMesh } from './memory-mesh.js';
import { MemoryObjects } from './memory-objects.js';

const { kafkaBrokers, registryUrl, databaseUrl } = inject('stack');
const SCHEMAS = fileURLToPath(new URL('../../../schemas', import.meta.url));
const RAISES = [PARTNER_CREATED, PARTNER_CHANGED];

type Tx = Transaction<object>;

meshContract('on Kafka and PostgreSQL', async (): Promise<MeshHarness> => {
  const objects = new MemoryObjects();
  const gateway = await serve(objects);
  const codec = new AvroCodec(new ConfluentSchemaRegistry({ url: registryUrl }));
  const log = new KafkaEventLog({ brokers: kafkaBrokers, clientId: 'letters', codec });
  return {
    open: async (consume = {}): Promise<OpenedMesh<Tx>> => {
      const tenant = `t${randomUUID().slice(0, 8)}`;
      const mesh = await createMesh<BusinessPartnerEvents, Tx>({
        name: 'trial',
        tenant,
        schemas: SCHEMAS,
        raises: RAISES,
        reactsTo: ['business-partner'],
        consume,
        database: { migrations: {} },
        gateway: { url: gateway.url },
        environment: {
          KAFKA_BROKERS: kafkaBrokers.join(','),
          SCHEMA_REGISTRY_URL: registryUrl,
          DATABASE_URL: databaseUrl,
          HEDDLE_TOPIC_PARTITIONS: '4',
          LOG_LEVEL: 'silent',
        },
      });
      return { mesh, objects, deadLetters: () => lettersOf(log, `${tenant}.trial`) };
    },
    close: async () => {
      await gateway.close();
      await log.close();
    },
  };
});

meshContract('in memory with the database of the test', () =>
  Promise.resolve({
    open: async (consume = {}): Promise<OpenedMesh<Tx>> => {
      const mesh = await MemoryMesh.open<BusinessPartnerEvents, Tx>({
        name: 'trial',
        schemas: [SCHEMAS],
        raises: RAISES,
        reactsTo: ['business-partner'],
        consume,
        database: { url: databaseUrl, name: `trial_${randomUUID().slice(0, 8)}`, migrations: {} },
      });
      const deadLetters = () =>
        Promise.resolve(
          mesh.deadLetters.map(({ event: { attributes }, error }) => ({
            id: attributes.id,
            code: error instanceof HeddleError ? error.code : 'internal',
            reason: (error as Error).message,
          })),
        );
      return { mesh, objects: mesh.objects, deadLetters };
    },
    close: () => Promise.resolve(),
  }),
);

/** The dead letters of one group, read from where they lie. */
async function lettersOf(log: KafkaEventLog, group: string): ReturnType<OpenedMesh<Tx>['deadLetters']> {
  const letters: { id: string; code: string; reason: string }[] = [];
  if (!(await log.topics()).includes(CONTROL_TOPICS.deadLetters)) return letters;
  for (const { partition, earliest, end } of await log.bounds(CONTROL_TOPICS.deadLetters)) {
    for (let offset = earliest; offset < end;) {
      const batch = await log.fetch({ topic: CONTROL_TOPICS.deadLetters, partition, offset });
      for (const { attributes, notes = {} } of batch.events) {
        if (notes['heddle-group'] !== group) continue;
        letters.push({ id: attributes.id, code: notes['heddle-code'] ?? '', reason: notes['heddle-reason'] ?? '' });
      }
      offset = Math.max(batch.nextOffset, offset + 1);
    }
  }
  return letters;
}

/** Objects over HTTP, as a gateway answers. */
async function serve({ request }: MemoryObjects): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((asked, response) => {
    void request(`http://gateway${asked.url ?? ''}`, { headers: asked.headers as Record<string, string> }).then(
      async (answer) => {
        response.writeHead(answer.status, Object.fromEntries(answer.headers));
        response.end(await answer.text());
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
