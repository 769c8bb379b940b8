import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { ADMINISTRATOR, freePorts } from '@heddle/infra';
import rhea, { type Connection } from 'rhea';
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
  what?: string;
  to?: string;
  contentType?: string;
  firstAcquirer?: boolean;
  redelivered?: boolean;
}

const TOPIC = 'topic:default/heddle/s4/ce/heddle/contract/v1/Contract/Signed/v1';
const BUILD_MS = 300_000;
const LONG = 60_000;
/** How long a consumer rejects; a minute takes a test run too long, and is asked for when wanted. */
const FAILING_S = Number(process.env['HEDDLE_TEST_FAILING_SECONDS'] ?? 12);
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

function textOf({ detail = '' }: Line): string {
  return Buffer.from(detail, 'base64').toString();
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

  test('is told of each thing that is not offered, when it asks for it', async () => {
    const lines = await run('wishes', `queue:${await newQueue()}`);
    expect(lines.map(({ what, condition }) => [what, condition]).toSorted()).toEqual(
      ['copy', 'durable', 'dynamic', 'selector'].map((what) => [what, 'amqp:not-implemented']),
    );
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
    'gets what JMS has beside a message as it was set, and the count of deliveries',
    async () => {
      const queue = await newQueue({ types: [], topicPatterns: [] });
      const lines = await run('tcp', 'headers', `queue:${queue}`);
      expect(lines.filter(({ said }) => said === 'header').map(textOf)).toEqual([
        ...['order-4711', 'queue:answers', 'a type', 'grün', '5', 'true', 'group-1', '7', 'true'],
        ...[`queue:${queue}`, '2'],
      ]);
      const received = lines.filter(({ said }) => said === 'received');
      expect(received.map(({ attempt, redelivered }) => [attempt, redelivered])).toEqual([
        [1, false],
        [2, true],
      ]);
    },
    LONG,
  );

  test(
    'is told of each thing that is not offered, when it asks for it',
    async () => {
      const lines = await run('websocket', 'wishes', `queue:${await newQueue()}`);
      const refused = lines.filter(({ said }) => said === 'refused').map(textOf);
      expect(lines.filter(({ said }) => said === 'given').map(textOf)).toEqual([]);
      expect(refused.map((text) => text.split(':', 1)[0])).toEqual([
        ...['selector', 'browser', 'temporary queue', 'temporary topic', 'durable', 'shared', 'delay', 'transaction'],
      ]);
      // Two of them the client refuses by itself, for the gateway does not say that it offers them.
      const byUs = refused.filter((text) => !/^(?:shared|delay):/.test(text));
      for (const text of byUs) expect(text).toContain('amqp:not-implemented');
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
  `a consumer that rejects for ${FAILING_S} seconds sees single-digit deliveries, and a dead letter with the reason where redeliveries are limited`,
  async () => {
    // With the schedule of everybody who sets none; the second queue gives up as many redeliveries on as fit in the time.
    const redeliveries = Math.floor(Math.log2(FAILING_S / 1.25 + 1));
    const types = [CONTRACT_SIGNED];
    const [plain, limited] = [
      await putQueue(gateway, { types }),
      await putQueue(gateway, { types, maxRedeliveryCount: redeliveries }),
    ];
    const [first, second] = [await rejectAll(plain), await rejectAll(limited)];
    const [event] = await publishContracts(gateway, [`C-${freshKey()}`]);
    const deadLetters = async (queue: string) => {
      const { json } = await call('GET', `${gateway}/v1/dead-letters?queue=${queue}`);
      return (json as { deadLetters: unknown[] }).deadLetters;
    };
    try {
      await vi.waitFor(
        async () =>
          expect(await deadLetters(limited)).toMatchObject([
            {
              event: { id: event!.id },
              code: 'exhausted',
              reason: expect.stringContaining('the ledger is closed') as string,
            },
          ]),
        { timeout: FAILING_S * 1000 + 10_000 },
      );
      await vi.waitFor(() => expect(performance.now() - second.begunAt).toBeGreaterThan(FAILING_S * 1000), {
        timeout: FAILING_S * 1000,
      });
      expect(second.deliveries).toHaveLength(redeliveries + 1);
      expect(first.deliveries.length).toBeGreaterThanOrEqual(redeliveries + 1);
      expect(first.deliveries.length).toBeLessThan(10);
      const waits = first.deliveries.slice(1).map((at, n) => at - first.deliveries[n]!);
      for (const [n, wait] of waits.entries()) expect(wait).toBeGreaterThanOrEqual(1000 * 2 ** n - 50);
      if (process.env['HEDDLE_TEST_FAILING_SECONDS'] !== undefined) {
        const after = waits.map((wait) => (wait / 1000).toFixed(1)).join(', ');
        process.stderr.write(
          `rejected for ${FAILING_S} s: ${first.deliveries.length} deliveries, ${after} s apart; ${second.deliveries.length} and a dead letter\n`,
        );
      }
      // Nothing is lost of what is not given up.
      expect(await deadLetters(plain)).toEqual([]);
      const { waiting, leased, ready } = (await readQueue(gateway, plain)).statistics;
      expect(waiting + leased + ready).toBe(1);
    } finally {
      first.close();
      second.close();
    }
  },
  FAILING_S * 1000 + LONG,
);

test(
  'a message of a megabyte goes through the log and back, a byte more is rejected, and more than a link takes ends it',
  async () => {
    const queue = await putQueue(gateway, { types: [], topicPatterns: [] });
    const connection = await connected();
    const sender = connection.open_sender(`queue:${queue}`);
    const outcomes: (string | undefined)[] = [];
    const conditionOf = (delivery: { remote_state?: unknown }) =>
      (delivery.remote_state as { error?: { condition: string } }).error?.condition;
    sender.on('accepted', () => outcomes.push('accepted'));
    sender.on('rejected', ({ delivery }) => outcomes.push(conditionOf(delivery!)));
    sender.on('sender_error', () => outcomes.push((sender.error as { condition: string }).condition));
    const text = (bytes: number) => rhea.message.data_section(Buffer.alloc(bytes, 'x'));
    await once(sender, 'sendable');
    for (const [n, bytes] of [1_000_000, 1_000_001, 1_048_577].entries()) {
      sender.send({ body: text(bytes), content_type: 'text/plain' });
      await vi.waitFor(() => expect(outcomes).toHaveLength(n + 1), { timeout: LONG });
    }
    expect(outcomes).toEqual(['accepted', ...Array<string>(2).fill('amqp:link:message-size-exceeded')]);
    const bodies: number[] = [];
    connection.on('message', ({ message }) => bodies.push((message!.body as { content: Buffer }).content.length));
    connection.open_receiver(`queue:${queue}`);
    await vi.waitFor(() => expect(bodies).toEqual([1_000_000]), { timeout: LONG });
    connection.close();
  },
  LONG,
);

/** A client that rejects what it gets from a queue, and when it got it. */
async function rejectAll(queue: string) {
  const connection = await connected();
  const deliveries: number[] = [];
  connection.on('message', ({ delivery }) => {
    deliveries.push(performance.now());
    delivery!.reject({ condition: 'my:trouble', description: 'the ledger is closed' });
  });
  connection.open_receiver({ source: { address: `queue:${queue}` }, autoaccept: false });
  return { deliveries, begunAt: performance.now(), close: () => connection.close() };
}

async function connected(): Promise<Connection> {
  const connection = rhea.create_container().connect({
    ...{ host: '127.0.0.1', port, username: user, password: secret, reconnect: false },
  });
  await once(connection, 'connection_open');
  return connection;
}

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
