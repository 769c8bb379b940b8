import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CHECKOUT } from '@heddle/infra';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { CONTRACT_SIGNED, contractSigned } from '../support/cloud-event.js';
import { HeddleCli } from '../support/heddle-cli.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { freshKey } from '../support/orders.js';
import { publishContracts } from '../support/publishing.js';
import { pullDeliveries, putQueue, settlePulled } from '../support/queue-clients.js';

const WAIT = { timeout: 15_000 };

interface Published {
  accepted: number;
  refused: number;
  results: {
    id: string;
    status: number;
    topic?: string;
    partition?: number;
    offset?: number;
    problem?: { code: string; errors?: { field: string }[] };
  }[];
}

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

test('what is published from a sample, a template, a file and the standard input arrives at a tail, as text, as JSON and raw', async () => {
  const key = `C-${freshKey()}`;
  const follow = (...more: string[]) =>
    cli.start(['tail', CONTRACT_SIGNED, '--from', '1m', '--key', key, '--limit', '5', ...more]);
  const [text, json, raw] = [follow(), follow('--json'), follow('-o', 'raw')];
  const sample = await cli.run(['publish', CONTRACT_SIGNED, '--key', key]);
  expect(sample.out).toMatch(new RegExp(`^ID +TYPE +AT\\n[0-9a-f-]{36} +${CONTRACT_SIGNED} +contract/\\d+@\\d+$`));
  const template = join(cli.dir, 'template.json');
  await writeFile(template, JSON.stringify({ ...contractSigned(key), SignedBy: 'number {{n}}' }));
  expect(await cli.json<Published>(['publish', CONTRACT_SIGNED, '--template', template, '--count', '2'])).toMatchObject(
    { accepted: 2, refused: 0 },
  );
  const event = {
    specversion: '1.0',
    id: `file-${key}`,
    source: '/file',
    type: CONTRACT_SIGNED,
    subject: key,
    data: contractSigned(key),
  };
  await writeFile(join(cli.dir, 'events.ndjson'), `${JSON.stringify(event)}\n`);
  expect(await cli.json<Published>(['publish', '--file', 'events.ndjson'])).toMatchObject({ accepted: 1 });
  const again = await cli.json<Published>(['publish', '--file', '-'], { input: JSON.stringify([event]) });
  expect(again).toMatchObject({ accepted: 1, results: [{ id: event.id, duplicate: true }] });
  const input = JSON.stringify(contractSigned(key));
  expect(await cli.json<Published>(['publish', CONTRACT_SIGNED, '--data', '-'], { input })).toMatchObject({
    accepted: 1,
  });

  const events = (await json.ended).out
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; data: { SignedBy: string } });
  expect(events).toHaveLength(5);
  expect(events.map(({ data }) => data.SignedBy).slice(1, 3)).toEqual(['number 1', 'number 2']);
  expect(events[3]!.id).toBe(event.id);
  const lines = (await text.ended).out.split('\n');
  expect(lines).toHaveLength(5);
  for (const line of lines)
    expect(line).toMatch(
      new RegExp(`^\\d\\d:\\d\\d:\\d\\d\\.\\d{3}  ${CONTRACT_SIGNED}  ${key}  \\{"Contract":"${key}"`),
    );
  expect((await raw.ended).out.split('\n').map((line) => JSON.parse(line) as unknown)).toEqual(
    events.map(({ data }) => data),
  );
});

test('what is refused is told with field and rule, and does not hold up the rest', async () => {
  const key = `C-${freshKey()}`;
  const argv = ['publish', CONTRACT_SIGNED, '--key', key, '--set', 'Currency=much too long'];
  const { code, out } = await cli.run(argv);
  expect(code).toBe(1);
  expect(out).toMatch(/^✖ .*\n {2}data\.Currency: /);
  const mixed = [CONTRACT_SIGNED, 'no.such.type.v1'].map((type) => ({
    specversion: '1.0',
    id: freshKey(),
    source: '/m',
    type,
    data: contractSigned(key),
  }));
  const published = await cli.json<Published>(['publish', '--file', '-'], { input: JSON.stringify(mixed), code: 1 });
  expect(published).toMatchObject({
    accepted: 1,
    refused: 1,
    results: [{ status: 202 }, { status: 404, problem: { code: 'type-unknown' } }],
  });
  const unknown = await cli.run(['publish', 'heddle.contract.v1.Contract.Signd.v1']);
  expect(unknown).toMatchObject({
    code: 5,
    said: expect.stringContaining(`The nearest known type is ${CONTRACT_SIGNED}.`) as string,
  });
});

test('what is interrupted before it was done ends with 130, and what was published by then is there', async () => {
  const key = `C-${freshKey()}`;
  const tail = cli.start(['tail', CONTRACT_SIGNED, '--key', key, '--from', '1m', '--json']);
  const publish = cli.start(['publish', CONTRACT_SIGNED, '--key', key, '--count', '1000', '--rate', '5']);
  await tail.lines.until((lines) => lines.length >= 2);
  expect(await publish.end('SIGINT')).toMatchObject({ code: 130, out: '' });
  expect((await tail.end('SIGINT')).code).toBe(0);
});

test('a tail begins at a place in the log, shows what fits its conditions, and goes on from its file', async () => {
  const keys = Array.from({ length: 4 }, () => `C-${freshKey()}`);
  const events = await publishContracts(gateway, keys);
  const { partition, offset, id } = events[1]!;
  const one = await cli.json<{ id: string }>(['tail', '--from', `contract/${partition}@${offset}`, '--limit', '1']);
  expect(one.id).toBe(id);
  const condition = ['--where', `subject=${keys[2]!}`, '--where', 'data.NetAmount>1'];
  const fits = await cli.json<{ id: string }>(['tail', '--from', '5m', '--limit', '1', ...condition]);
  expect(fits.id).toBe(events[2]!.id);

  const argv = ['tail', '--from', '5m', '--where', 'source=/resume', '--position', 'position', '--json'];
  const resumed = keys.map((key) => ({
    specversion: '1.0',
    id: `resume-${key}`,
    source: '/resume',
    type: CONTRACT_SIGNED,
    data: contractSigned(key),
  }));
  const put = (some: object[]) => cli.json(['publish', '--file', '-'], { input: JSON.stringify(some) });
  await put(resumed.slice(0, 2));
  const first = await cli.run([...argv, '--limit', '2']);
  await put(resumed.slice(2));
  const second = await cli.run([...argv, '--limit', '2']);
  const ids = `${first.out}\n${second.out}`.split('\n').map((line) => (JSON.parse(line) as { id: string }).id);
  expect(ids.toSorted()).toEqual(resumed.map((event) => event.id).toSorted());
});

test('a tail goes on after its gateway was killed, without missing an event, and ends in order', async () => {
  const key = `C-${freshKey()}`;
  const tail = cli.start(['tail', CONTRACT_SIGNED, '--key', key, '--from', '1m', '--json']);
  const [before] = await publishContracts(gateway, [key]);
  await tail.lines.until((lines) => lines.length === 1);
  await mesh.killApp('gateway');
  await mesh.startApp('gateway');
  const after = await publishContracts(gateway, [key, key]);
  await tail.lines.until((lines) => lines.length === 3, { timeoutMs: 30_000 });
  expect(tail.json<{ id: string }>().map(({ id }) => id)).toEqual([before!.id, ...after.map(({ id }) => id)]);
  expect(tail.said()).toBe('');
  expect((await tail.end('SIGINT')).code).toBe(0);
});

test('a trace says what became of an event and of an object: to which queue, with each attempt and its reason', async () => {
  const key = `C-${freshKey()}`;
  const queue = await putQueue(gateway, { types: [CONTRACT_SIGNED], filter: [{ exact: { subject: key } }] });
  const [event] = await publishContracts(gateway, [key]);
  const [lease] = await pullDeliveries(gateway, queue, { waitMs: 5000 });
  await settlePulled(gateway, queue, [
    { lease: lease!.lease, action: 'release', delayMs: 0, reason: 'the printer is on fire' },
  ]);
  const [second] = await pullDeliveries(gateway, queue, { waitMs: 5000 });
  await settlePulled(gateway, queue, [{ lease: second!.lease, action: 'accept' }]);
  await vi.waitFor(async () => {
    const { out } = await cli.run(['trace', event!.id]);
    const lines = out.split('\n');
    expect(lines[0]).toBe(`${CONTRACT_SIGNED}  ${key}  ${event!.id}`);
    expect(lines.find((line) => line.includes('appended'))).toContain(`contract/${event!.partition}@${event!.offset}`);
    expect(lines.find((line) => line.includes(`queue ${queue}`))).toMatch(/accepted/);
    expect(out).toMatch(/[├└]─ \S+ {2}attempt 1 {2}released .*the printer is on fire/);
    expect(out).toMatch(/[├└]─ \S+ {2}attempt 2 {2}accepted/);
  }, WAIT);
  const shape = {
    events: [{ event: { id: event!.id, key }, deliveries: [expect.objectContaining({ queue, state: 'accepted' })] }],
  };
  expect(await cli.json(['trace', event!.id])).toMatchObject(shape);
  expect(await cli.json(['trace', 'contract', key])).toMatchObject(shape);
  expect(await cli.run(['trace', 'no-such-event'])).toMatchObject({ code: 5 });
});

test('a bench measures what arrived of what it published', async () => {
  const figures = await cli.json<{ publishMs: { p50: number }; arrivalMs: { p50: number; max: number } }>([
    'bench',
    CONTRACT_SIGNED,
    '--events',
    '60',
    '--rate',
    '100',
  ]);
  expect(figures).toMatchObject({
    type: CONTRACT_SIGNED,
    published: 60,
    accepted: 60,
    refused: 0,
    arrived: 60,
    missing: 0,
    repeats: 0,
  });
  expect(figures.arrivalMs.max).toBeGreaterThanOrEqual(figures.arrivalMs.p50);
  expect(figures.publishMs.p50).toBeGreaterThan(0);
  const { out } = await cli.run(['bench', CONTRACT_SIGNED, '--events', '10']);
  expect(out).toMatch(
    /^type +heddle\.contract[^\n]*\npublished +10 in [\d.]+ s, 10 accepted[^\n]*\narrived +10, 0 missing, 0 repeats[^\n]*\npublish +p50 [^\n]*\narrival +p50 /,
  );
});

test('it starts without loading any package, and is found by the name of its bin', async () => {
  const recorder = `data:text/javascript,${encodeURIComponent(
    `import { registerHooks } from 'node:module';
     const seen = [];
     registerHooks({ load(url, context, next) { seen.push(url); return next(url, context); } });
     process.on('exit', () => process.stderr.write('LOADED ' + JSON.stringify(seen)));`,
  )}`;
  for (const argv of [['--version'], ['help'], ['queue'], ['tail', '--help'], ['completion', 'names', 'context']]) {
    const { said } = await cli.run(argv, { nodeArgs: ['--import', recorder] });
    const loaded = JSON.parse(said.slice(said.indexOf('LOADED ') + 7)) as string[];
    const files = loaded.filter((url) => url.startsWith('file:'));
    expect(files.some((url) => url.endsWith('/apps/cli/dist/main.js'))).toBe(true);
    expect(
      files.filter((url) => !/\/(?:apps\/cli|libs\/event)\//.test(url)),
      argv.join(' '),
    ).toEqual([]);
  }
  const { stdout } = await promisify(execFile)(join(CHECKOUT, 'node_modules/.bin/heddle'), ['--version'], {
    env: { PATH: `${dirname(process.execPath)}:${process.env['PATH']}` },
  });
  expect(stdout).toBe('heddle 0.1.0\n');
});
