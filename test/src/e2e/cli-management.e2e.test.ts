import { randomUUID } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ADMINISTRATOR } from '@heddle/infra';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { HeddleCli } from '../support/heddle-cli.js';
import { call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { freshKey } from '../support/orders.js';
import { publishContracts } from '../support/publishing.js';
import { pullDeliveries, putQueue, settlePulled } from '../support/queue-clients.js';

const WAIT = { timeout: 15_000 };

let mesh: Mesh;
let gateway: string;
let cli: HeddleCli;

// Each line of these stories is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 });

beforeAll(async () => {
  mesh = await sharedMesh();
  gateway = mesh.url('gateway');
  cli = await HeddleCli.of(mesh);
});

afterAll(async () => {
  await cli.close();
  await mesh.stop();
});

test('a queue is what its file says: made, unchanged when said again, changed where it differs, exported, deleted', async () => {
  const name = `cli-${randomUUID()}`;
  const file = await yaml(
    'queue',
    name,
    `types: [${CONTRACT_SIGNED}]\n  order: none\n  start: earliest\n  retry: { attempts: 3 }`,
  );
  expect(await cli.run(['queue', 'diff', file])).toMatchObject({
    code: 7,
    out: expect.stringContaining(`+ queue ${name}`) as string,
  });
  expect(await cli.json(['queue', 'apply', file, '--dry-run'])).toMatchObject([{ name, result: 'created' }]);
  expect(await cli.run(['queue', 'get', name])).toMatchObject({ code: 5 });
  expect(await cli.run(['queue', 'apply', file])).toMatchObject({ code: 0, out: `created    queue ${name}` });
  expect(await cli.run(['queue', 'apply', file])).toMatchObject({ code: 0, out: `unchanged  queue ${name}` });
  expect(await cli.run(['queue', 'diff', file])).toMatchObject({ code: 0, out: `= queue ${name}` });
  const version = async (): Promise<unknown> => (await cli.json<{ version: number }>(['queue', 'get', name])).version;
  expect(await version()).toBe(1);

  const changed = await yaml('queue', name, `types: [${CONTRACT_SIGNED}]\n  leaseMs: 45000\n  retry: { attempts: 3 }`);
  expect(await cli.run(['queue', 'diff', changed])).toMatchObject({
    code: 7,
    out: `~ queue ${name}\n  - leaseMs: 30000\n  + leaseMs: 45000`,
  });
  expect(await cli.json(['queue', 'apply', changed])).toMatchObject([
    { result: 'changed', differences: [{ path: 'leaseMs', before: 30_000, after: 45_000 }] },
  ]);
  expect(await version()).toBe(2);

  const exported = await cli.run(['queue', 'export', name]);
  await writeFile(join(cli.dir, 'exported.yaml'), exported.out);
  expect(await cli.run(['queue', 'apply', 'exported.yaml'])).toMatchObject({
    code: 0,
    out: `unchanged  queue ${name}`,
  });
  expect((await cli.run(['queue', 'get'])).out).toMatch(new RegExp(`^NAME +ORDER .*\\n(?:.*\\n)*${name} +none `));

  const refused = await cli.json<{ result: string; problem: { field: string } }[]>(
    ['queue', 'apply', await yaml('queue', name, `types: [${CONTRACT_SIGNED}]\n  ordr: key`)],
    { code: 1 },
  );
  expect(refused).toMatchObject([{ result: 'refused', problem: { code: 'data-invalid' } }]);
  const unchangeable = await cli.run([
    'queue',
    'apply',
    await yaml('queue', name, `types: [${CONTRACT_SIGNED}]\n  order: key`),
  ]);
  expect(unchangeable).toMatchObject({ code: 6, out: expect.stringContaining('refused    queue') as string });

  expect((await cli.run(['queue', 'get', `${name}x`])).said).toContain(`Did you mean ${name}?`);
  expect(await cli.run(['queue', 'delete', name])).toMatchObject({ code: 0, out: `deleted    queue ${name}` });
  expect(await cli.run(['queue', 'delete', name])).toMatchObject({ code: 5 });
});

test('a channel is what its file says, and is checked, tested, watched and switched off', async () => {
  const name = `CLI_${randomUUID().replaceAll('-', '_')}`;
  const spec = `bindings:\n    - type: ${CONTRACT_SIGNED}\n      filters: [{ data: Contract, exclude: [none] }]`;
  const file = await yaml('channel', name, spec);
  expect(await cli.run(['channel', 'apply', file])).toMatchObject({ code: 0, out: `created    channel ${name}` });
  expect(await cli.run(['channel', 'apply', file])).toMatchObject({ code: 0, out: `unchanged  channel ${name}` });
  expect(await cli.run(['channel', 'check', name])).toMatchObject({ code: 0 });
  const tested = await cli.json<{ events: { id: string }[]; held: unknown[] }>([
    'channel',
    'test',
    name,
    '--count',
    '2',
  ]);
  expect(tested).toMatchObject({ events: [{}, {}], held: [] });
  const got: string[] = [];
  await vi.waitFor(async () => {
    const deliveries = await pullDeliveries(gateway, name, { max: 10, waitMs: 1000 });
    const settlements = deliveries.map(({ lease }) => ({ lease, action: 'accept' as const }));
    if (settlements.length > 0) await settlePulled(gateway, name, settlements);
    got.push(...deliveries.map(({ event }) => event.id));
    expect(got).toEqual(tested.events.map(({ id }) => id));
  }, WAIT);
  await vi.waitFor(async () => {
    const consumed = { type: CONTRACT_SIGNED, consumed: 2, failed: 0 };
    expect(await cli.json(['channel', 'monitor', name])).toMatchObject({ bindings: [consumed] });
  }, WAIT);
  const listed = await cli.run(['channel', 'events', name, '--status', 'consumed']);
  for (const { id } of tested.events) expect(listed.out).toContain(id);
  expect(await cli.json(['channel', 'retry', name, '--dry-run'])).toMatchObject({ selected: 0 });
  expect(await cli.run(['channel', 'deactivate', name])).toMatchObject({ code: 0 });
  expect(await cli.run(['channel', 'check', name])).toMatchObject({ code: 1 });
  expect((await cli.run(['queue', 'export'])).out).not.toContain(name);
  expect(await cli.run(['channel', 'delete', name])).toMatchObject({ code: 0 });
});

test('a webhook is exported without its secrets, and applied again it keeps them; from the environment it gets others', async () => {
  const name = `cli-${randomUUID()}`;
  const spec = `url: http://127.0.0.1:9400/${name}\n  types: [${CONTRACT_SIGNED}]\n  paused: true\n  headers: { x-api-key: '\${API_KEY}' }\n  auth: { basic: { user: me, password: '\${PASSWORD}' } }`;
  const file = await yaml('webhook', name, spec);
  expect((await cli.run(['webhook', 'apply', file])).out).toContain('API_KEY is not set');
  const env = { API_KEY: 'a-key-of-some-length', PASSWORD: 'a-password-of-some-length' };
  const [made] = await cli.json<{ result: string; secret: string }[]>(['webhook', 'apply', file], { env });
  expect(made).toMatchObject({ result: 'created', secret: expect.stringMatching(/^whsec_/) as string });
  expect(await cli.run(['webhook', 'apply', file], { env })).toMatchObject({
    code: 0,
    out: `unchanged  webhook ${name}`,
  });
  expect(await cli.run(['webhook', 'apply', file])).toMatchObject({ code: 0, out: `unchanged  webhook ${name}` });

  const exported = (await cli.run(['webhook', 'export', name])).out;
  for (const secret of [...Object.values(env), made!.secret, '•••', 'ngth']) expect(exported).not.toContain(secret);
  await writeFile(join(cli.dir, 'webhook.yaml'), exported);
  expect(await cli.run(['webhook', 'diff', 'webhook.yaml'])).toMatchObject({ code: 0 });
  const other = { ...env, PASSWORD: 'another-password-altogether' };
  const diff = await cli.run(['webhook', 'diff', file], { env: other });
  expect(diff).toMatchObject({
    code: 7,
    out: expect.stringContaining('auth.basic.password: "(another secret)"') as string,
  });
  expect(diff.out).not.toContain('another-password');
  expect(await cli.json(['webhook', 'apply', file], { env: other })).toMatchObject([{ result: 'changed' }]);
  expect((await cli.run(['webhook', 'get'])).out).toMatch(new RegExp(`${name} +paused `));
  // Its queue comes and goes with it, and is no file of its own.
  expect((await cli.run(['queue', 'export'])).out).not.toContain(name);
  expect(await cli.run(['webhook', 'delete', name])).toMatchObject({ code: 0 });
});

test('a client is made by a file, its secret kept where nobody else reads it; it logs in, and may do what the file says and no more', async () => {
  const name = `cli-${randomUUID()}`;
  const file = await yaml(
    'client',
    name,
    `permissions: ['consume:type:heddle.contract.*', 'publish:type:heddle.contract.*']\n  description: of a test`,
  );
  expect(await cli.run(['client', 'apply', file, '--secrets', 'secrets'])).toMatchObject({
    code: 0,
    out: `created    client ${name}`,
  });
  const secret = join(cli.dir, 'secrets', `${name}.secret`);
  expect((await stat(secret)).mode & 0o777).toBe(0o600);
  expect(await cli.run(['client', 'apply', file])).toMatchObject({ code: 0, out: `unchanged  client ${name}` });
  expect((await cli.run(['client', 'export', name])).out).not.toContain((await readFile(secret, 'utf8')).trim());

  const nobody = { HEDDLE_CLIENT_ID: '', HEDDLE_CLIENT_SECRET_FILE: '', GATEWAY_URL: '' };
  const source = ['--gateway', gateway, '--client-id', name, '--client-secret-file', secret];
  expect(await cli.run(['login', 'shop', ...source], { env: nobody })).toMatchObject({ code: 0 });
  expect(await cli.run(['publish', CONTRACT_SIGNED], { env: nobody })).toMatchObject({ code: 0 });
  const denied = await cli.run(['client', 'get'], { env: nobody });
  expect(denied).toMatchObject({ code: 4, said: expect.stringContaining('manage:client') as string });
  expect(await cli.run(['publish', 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1'], { env: nobody })).toMatchObject({
    code: 4,
  });
  const serviceKey = await call('POST', `${gateway}/v1/clients/${name}/service-key`, { body: {} });
  expect(await cli.run(['login', 'key', '--service-key', '-'], { env: nobody, input: serviceKey.text })).toMatchObject({
    code: 0,
  });
  expect(await cli.run(['publish', CONTRACT_SIGNED, '--context', 'key'], { env: nobody })).toMatchObject({ code: 0 });
  expect((await cli.run(['context', 'list'], { env: nobody })).out).toMatch(/\* +key +cli-.*\n +shop +cli-/);
  await writeFile(secret, 'wrong\n');
  const wrong = await cli.run(['login', 'wrong', ...source], { env: nobody });
  expect(wrong).toMatchObject({ code: 4, said: expect.stringContaining('its id or secret is wrong') as string });
  expect(await cli.run(['client', 'delete', name])).toMatchObject({ code: 0 });
});

test('dead letters are listed, shown, counted, put back at a rate with a report, and a redrive can be stopped', async () => {
  const queue = await putQueue(gateway, { types: [CONTRACT_SIGNED] });
  const keys = Array.from({ length: 6 }, () => `C-${freshKey()}`);
  await publishContracts(gateway, keys);
  for (let dead = 0; dead < keys.length;) {
    const deliveries = await pullDeliveries(gateway, queue, { max: 10, waitMs: 2000 });
    const settlements = deliveries.map(
      ({ lease }) => ({ lease, action: 'reject', reason: 'no such counterparty' }) as const,
    );
    await settlePulled(gateway, queue, settlements);
    dead += deliveries.length;
  }
  const list = (...more: string[]) =>
    cli.json<{ id: string; event: { key: string }; state: string }[]>(['dlq', 'list', '--queue', queue, ...more]);
  await vi.waitFor(async () => expect(await list()).toHaveLength(keys.length), WAIT);
  expect(await list('--key', keys[0]!)).toMatchObject([{ event: { key: keys[0] }, state: 'open' }]);
  expect(await list('--limit', '2')).toHaveLength(2);
  const [letter] = await list('--key', keys[0]!);
  expect((await cli.run(['dlq', 'list', '--queue', queue])).out).toMatch(
    /^ID +AT +QUEUE[^\n]*\n(?:[^\n]*no such counterparty\n?){6}$/,
  );
  const shown = await cli.run(['dlq', 'show', letter!.id]);
  expect(shown.out).toMatch(/reason +.*no such counterparty/);
  expect(await cli.json(['dlq', 'show', letter!.id])).toMatchObject({
    id: letter!.id,
    stored: { data: { Contract: keys[0] } },
  });

  const which = ['dlq', 'redrive', '--queue', queue, '--reason', 'counterparty', '--since', '1h'];
  expect(await cli.run([...which, '--dry-run'])).toMatchObject({ code: 0, out: `6 would be put back\n  ${queue}: 6` });
  expect(await list('--state', 'open')).toHaveLength(6);
  const slow = await cli.json<{ id: string }>([...which, '--rate', '1', '--no-wait']);
  const stopped = await cli.json<{ state: string; placed: number }>(['dlq', 'stop', slow.id]);
  expect(stopped.state).toBe('stopped');
  expect(stopped.placed).toBeLessThan(6);
  expect(await cli.json(['dlq', 'report', slow.id])).toMatchObject({ id: slow.id, state: 'stopped', selected: 6 });
  await vi.waitFor(async () => expect(await list('--state', 'open')).toHaveLength(6 - stopped.placed), WAIT);
  const rest = await cli.run([...which, '--rate', '20']);
  expect(rest).toMatchObject({ code: 0, out: expect.stringMatching(/^redrive .*\nstate +done\n/) as string });
  expect((await cli.run(['dlq', 'redrives'])).out).toContain(slow.id);
  const again = new Set<string>();
  await vi.waitFor(async () => {
    for (const { event } of await pullDeliveries(gateway, queue, { max: 10, waitMs: 500 })) again.add(event.subject);
    expect([...again].toSorted()).toEqual(keys.toSorted());
  }, WAIT);
});

test('a replay is counted, begun, watched to its end, listed and stopped', async () => {
  const queue = await putQueue(gateway, { types: [CONTRACT_SIGNED] });
  const key = `C-${freshKey()}`;
  const events = await publishContracts(gateway, [key, key, key]);
  const accept = async (wanted: number): Promise<void> => {
    for (let done = 0; done < wanted;) {
      const deliveries = await pullDeliveries(gateway, queue, { max: 10, waitMs: 2000 });
      await settlePulled(
        gateway,
        queue,
        deliveries.map(({ lease }) => ({ lease, action: 'accept' }) as const),
      );
      done += deliveries.length;
    }
  };
  await accept(events.length);
  const which = ['replay', 'start', queue, '--from', '10m', '--key', key];
  expect(await cli.run([...which, '--dry-run'])).toMatchObject({ code: 0, out: '3 events would be delivered again' });
  expect(await cli.json([...which, '--filter', "data.Currency == 'CHF'", '--dry-run'])).toMatchObject({ events: 0 });
  const watched = cli.start([...which, '--rate', '100']);
  await accept(events.length);
  const { code, out, said } = await watched.ended;
  expect(code).toBe(0);
  expect(out).toMatch(
    new RegExp(`^replay +\\S+\\nqueue +${queue}\\nstate +done\\nkey +${key}\\ntaken +3\\naccepted +3\\n`),
  );
  expect(said).toContain('… looked at');
  const { id } = await cli.json<{ id: string }>([...which, '--no-wait']);
  expect(await cli.json(['replay', 'stop', queue, id])).toMatchObject({ id, state: 'stopped' });
  expect(await cli.json(['replay', 'report', queue, id])).toMatchObject({ state: 'stopped' });
  expect((await cli.run(['replay', 'list', queue])).out).toMatch(new RegExp(`${id} +stopped`));
  expect((await cli.run(['replay', 'list', `${queue}x`])).said).toContain(`Did you mean ${queue}?`);
});

test('completion knows the names that the gateway has', async () => {
  const queue = await putQueue(gateway, { types: [CONTRACT_SIGNED] });
  expect((await cli.run(['completion', 'names', 'queue'])).out.split('\n')).toContain(queue);
  expect((await cli.run(['completion', 'names', 'type'])).out.split('\n')).toContain(CONTRACT_SIGNED);
  expect((await cli.run(['completion', 'names', 'client'])).out.split('\n')).toContain(ADMINISTRATOR);
});

async function yaml(kind: string, name: string, spec: string): Promise<string> {
  const file = join(cli.dir, `${randomUUID()}.yaml`);
  await writeFile(file, `kind: ${kind}\nname: ${name}\nspec:\n  ${spec}\n`);
  return file;
}
