import { randomUUID } from 'node:crypto';
import { ADMINISTRATOR, freePorts } from '@heddle/infra';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { AmqpReceiver } from '../support/amqp-receiver.js';
import { CONTRACT_SIGNED, contractSigned } from '../support/cloud-event.js';
import { call } from '../support/http-call.js';
import { authorizationFor } from '../support/keyring.js';
import { Mesh } from '../support/mesh.js';
import { freshKey } from '../support/orders.js';
import { publishContracts } from '../support/publishing.js';
import { putQueue, readQueue } from '../support/queue-clients.js';
import { WebhookSink } from '../support/webhook-sink.js';
import { putWebhook } from '../support/webhooks.js';
import { type Program, jms, proton, runProgram } from './programs.js';

/** What the programs print. */
interface Line {
  said: string;
  body?: string;
  attempt?: number;
  condition?: string | null;
  detail?: string;
  to?: string;
  contentType?: string;
  firstAcquirer?: boolean;
  redelivered?: boolean;
}

const TOPIC = 'topic:default/heddle/s4/ce/heddle/contract/v1/Contract/Signed/v1';
const BUILD_MS = 300_000;
const LONG = 60_000;
const RETRY = { firstMs: 50, factor: 2, capMs: 200, jitter: 0, attempts: 20 };

let mesh: Mesh;
let gateway: string;
let port: number;
let user: string;
let secret: string;
const built = new Map<Program, readonly string[]>();

beforeAll(async () => {
  [port = 0] = await freePorts(1);
  mesh = await Mesh.start({
    ground: inject('stack'),
    apps: ['gateway'],
    env: { gateway: { HEDDLE_AMQP_PORT: String(port) } },
  });
  gateway = mesh.url('gateway');
  ({ clientId: user, clientSecret: secret } = await mesh.credentialsOf(ADMINISTRATOR));
  for (const program of [jms, proton]) {
    if (program.missing === undefined) built.set(program, await program.build());
  }
}, BUILD_MS);

afterAll(() => mesh.stop());

function newQueue(definition: Record<string, unknown> = {}): Promise<string> {
  return putQueue(gateway, { types: [CONTRACT_SIGNED], retry: RETRY, ...definition });
}

function bodiesOf(lines: readonly Line[]): unknown[] {
  return lines
    .filter(({ said }) => said === 'received')
    .map(({ body = '' }) => JSON.parse(Buffer.from(body, 'base64').toString()) as unknown);
}

describe.skipIf(proton.missing !== undefined)('Qpid Proton over TCP, with client id and secret', () => {
  const run = (...args: string[]): Promise<Line[]> =>
    runProgram<Line>(built.get(proton)!, [`amqp://127.0.0.1:${port}`, ...args], {
      env: { AMQP_USER: user, AMQP_PASSWORD: secret },
    });

  test('sends events to their topic, with and without a target, and receives them from a queue in order', async () => {
    const queue = await newQueue();
    const key = `C-${freshKey()}`;
    const sent = await run('send', TOPIC, ...Array.from({ length: 3 }, () => JSON.stringify(contractSigned(key))));
    expect(sent.map(({ said }) => said)).toEqual(['accepted', 'accepted', 'accepted']);
    const [anonymous] = await run('anonymous', TOPIC, JSON.stringify(contractSigned(key)));
    expect(anonymous).toMatchObject({ said: 'accepted' });
    const received = await run('receive', `queue:${queue}`, '4');
    expect(bodiesOf(received)).toEqual(
      Array(4).fill(expect.objectContaining({ type: CONTRACT_SIGNED, subject: key, source: `/clients/${user}` })),
    );
    expect(received[0]).toMatchObject({
      ...{ attempt: 1, firstAcquirer: true, to: TOPIC, contentType: 'application/cloudevents+json' },
    });
    await vi.waitFor(async () => expect((await readQueue(gateway, queue)).statistics.leased).toBe(0), {
      timeout: LONG,
    });
  });

  test('has what it releases, modifies and rejects come again, counted', async () => {
    const queue = await newQueue();
    await publishContracts(gateway, [`C-${freshKey()}`]);
    const lines = await run('outcomes', `queue:${queue}`);
    expect(lines.map(({ attempt, firstAcquirer }) => [attempt, firstAcquirer])).toEqual([
      [1, true],
      [2, false],
      [3, false],
      [4, false],
    ]);
  });

  test('drains a queue: gets what is there, and then nothing but that it was all', async () => {
    const queue = await newQueue();
    await publishContracts(gateway, [`C-${freshKey()}`, `C-${freshKey()}`]);
    await vi.waitFor(async () => expect((await readQueue(gateway, queue)).statistics.ready).toBe(2), { timeout: LONG });
    const lines = await run('drain', `queue:${queue}`);
    expect(lines.map(({ said }) => said)).toEqual(['received', 'received', 'drained']);
  });

  test('is told why it may not', async () => {
    const [unknown] = await run('receive', 'queue:not-there', '1');
    expect(unknown).toMatchObject({ said: 'detached', condition: 'amqp:not-found' });
    const [broken] = await run('send', TOPIC, '{"Contract":1}');
    expect(broken).toMatchObject({ said: 'rejected', condition: 'amqp:decode-error' });
  });
});

describe.skipIf(jms.missing !== undefined)('Qpid JMS', () => {
  const run = async (way: 'tcp' | 'websocket', ...args: string[]): Promise<Line[]> => {
    const { authorization = '' } = await authorizationFor(gateway);
    const uri =
      way === 'tcp'
        ? `amqp://127.0.0.1:${port}?amqp.saslMechanisms=PLAIN`
        : `amqpws://127.0.0.1:${mesh.ports.gateway}/protocols/amqp10ws?transport.ws.httpHeader.Authorization=${encodeURIComponent(authorization)}`;
    const credentials = way === 'tcp' ? [user, secret] : ['guest', 'guest'];
    return runProgram<Line>(built.get(jms)!, [uri, ...credentials, ...args], { env: {} });
  };

  test.each(['tcp', 'websocket'] as const)(
    'sends texts that are events, and acknowledges what it receives, over %s',
    async (way) => {
      const queue = await newQueue();
      const keys = [`C-${freshKey()}`, `C-${freshKey()}`];
      const sent = await run(way, 'send', TOPIC, JSON.stringify(contractSigned(keys[0]!)));
      expect(sent).toEqual([{ said: 'sent', detail: '' }]);
      expect(await run(way, 'anonymous', TOPIC, JSON.stringify(contractSigned(keys[1]!)))).toEqual(sent);
      const received = await run(way, 'receive', `queue:${queue}`, '2');
      expect(bodiesOf(received)).toEqual(keys.map((subject) => expect.objectContaining({ subject }) as unknown));
      await vi.waitFor(async () => expect((await readQueue(gateway, queue)).statistics.leased).toBe(0), {
        timeout: LONG,
      });
    },
    LONG,
  );

  test(
    'gets what it recovers again, as a redelivery',
    async () => {
      const queue = await newQueue();
      await publishContracts(gateway, [`C-${freshKey()}`]);
      const lines = await run('websocket', 'recover', `queue:${queue}`);
      expect(lines.map(({ redelivered }) => redelivered)).toEqual([false, true]);
      expect(bodiesOf(lines)[0]).toEqual(bodiesOf(lines)[1]);
    },
    LONG,
  );

  test(
    'is told why a text is not taken',
    async () => {
      const [line] = await run('tcp', 'send', TOPIC, '{"Contract":1}');
      expect(line).toMatchObject({ said: 'refused' });
      expect(Buffer.from(line!.detail!, 'base64').toString()).toContain('data-invalid');
    },
    LONG,
  );
});

test(
  'a queue shared by a webhook and an AMQP consumer gives each event to exactly one, two queues give it to both',
  async () => {
    const [shared, alone] = [await newQueue({ order: 'none' }), await newQueue({ order: 'none' })];
    const sink = await WebhookSink.start();
    const seen: string[] = [];
    sink.answerWith(({ body }, response) => {
      seen.push((JSON.parse(body.toString()) as { id: string }).id);
      response.writeHead(204).end();
    });
    await putWebhook(gateway, { url: sink.url, queue: shared });
    const open = (queue: string) => new AmqpReceiver({ gateway, queue, leaseMs: 15_000 });
    const [consumer, other] = [open(shared), open(alone)];
    try {
      const events = await publishContracts(
        gateway,
        Array.from({ length: 100 }, () => `C-${freshKey()}`),
      );
      const ids = events.map(({ id }) => id).toSorted();
      await vi.waitFor(() => expect(other.ids.toSorted()).toEqual(ids), { timeout: LONG });
      await vi.waitFor(() => expect([...seen, ...consumer.ids].toSorted()).toEqual(ids), { timeout: LONG });
    } finally {
      await Promise.all([consumer.stop(), other.stop(), sink.stop()]);
      await call('DELETE', `${gateway}/v1/queues/${alone}`);
    }
  },
  LONG,
);

test(
  'a consumer that rejects for as long as it may sees single-digit deliveries, and then a dead letter with its reason',
  async () => {
    const queue = await newQueue({ retry: { firstMs: 100, factor: 2, capMs: 1000, jitter: 0, attempts: 6 } });
    const rhea = (await import('rhea')).default;
    const connection = rhea.create_container().connect({
      ...{ host: '127.0.0.1', port, username: user, password: secret, reconnect: false },
    });
    let deliveries = 0;
    connection.on('message', ({ delivery }) => {
      deliveries += 1;
      delivery!.reject({ condition: 'my:trouble', description: 'the ledger is closed' });
    });
    connection.open_receiver({ source: { address: `queue:${queue}` }, autoaccept: false });
    const [event] = await publishContracts(gateway, [`C-${freshKey()}`]);
    await vi.waitFor(
      async () => {
        const { json } = await call('GET', `${gateway}/v1/dead-letters?queue=${queue}`);
        expect(json).toMatchObject({
          deadLetters: [
            {
              event: { id: event!.id },
              code: 'exhausted',
              reason: expect.stringContaining('the ledger is closed') as string,
            },
          ],
        });
      },
      { timeout: LONG },
    );
    expect(deliveries).toBe(6);
    connection.close();
  },
  LONG,
);

test(
  'a gateway that is killed costs its AMQP clients the connection and no event',
  async () => {
    const queue = await newQueue();
    const receiver = new AmqpReceiver({ gateway, queue, leaseMs: 15_000 });
    const keys = Array.from({ length: 20 }, () => `C-${randomUUID().slice(0, 8)}`);
    try {
      const before = await publishContracts(gateway, keys);
      await receiver.received.until((all) => all.length > 5);
      await mesh.killApp('gateway');
      await mesh.startApp('gateway');
      const after = await publishContracts(gateway, keys);
      const ids = [...before, ...after].map(({ id }) => id).toSorted();
      await vi.waitFor(() => expect([...new Set(receiver.ids)].toSorted()).toEqual(ids), { timeout: LONG });
    } finally {
      await receiver.stop();
    }
  },
  LONG,
);
