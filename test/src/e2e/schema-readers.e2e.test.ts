import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHECKOUT } from '@heddle/infra';
import { runSchemaCommand } from '@heddle/schema';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { deleteQueue, putQueue } from '../support/queue-clients.js';

const FILE = 'business-partner/BusinessPartnerCreated.avsc';
const TYPE = 'sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1';
const WAIT = { timeout: 20_000 };

let mesh: Mesh;
let gateway: string;
let queue: string;
let dir: string;

beforeAll(async () => {
  mesh = await sharedMesh();
  gateway = mesh.url('gateway');
  queue = await putQueue(gateway, { types: ['sap.s4.beh.businesspartner.*'] });
  dir = await mkdtemp(join(tmpdir(), 'heddle-readers-'));
  await cp(join(CHECKOUT, 'schemas', 'business-partner'), join(dir, 'business-partner'), { recursive: true });
});

afterAll(async () => {
  await deleteQueue(gateway, queue);
  await mesh.stop();
  await rm(dir, { recursive: true, force: true });
});

test('a change that breaks readers is refused with their names: the queue that wants the event, and the service that reacts to it', async () => {
  await vi.waitFor(async () => {
    const { json } = await call('GET', `${gateway}/v1/catalogue/${TYPE}/readers`);
    expect(json).toMatchObject({
      queues: expect.arrayContaining([{ name: queue }]) as object[],
      services: expect.arrayContaining([{ name: 'sales-order' }]) as object[],
    });
  }, WAIT);
  expect(await check('text')).toMatchObject({ code: 0 });

  const schema = JSON.parse(await readFile(join(dir, FILE), 'utf8')) as {
    fields: object[];
    heddle: { example: Record<string, unknown> };
  };
  schema.fields.push({ name: 'Name', type: 'string', doc: 'What it is called.' });
  schema.heddle.example['Name'] = 'Bearings Inc.';
  const text = JSON.stringify(schema, null, 2);
  await writeFile(join(dir, FILE), text);
  const line = text.split('\n').findIndex((each) => each.includes('"name": "Name"')) + 1;

  const { code, lines } = await check('text');
  expect(code).toBe(1);
  expect(lines).toMatch(
    new RegExp(
      `${FILE}:${line} BusinessPartner.Created v\\d+ adds Name without a default: .*queue ${queue}.* and .*service sales-order.* read it`,
    ),
  );
  expect((await check('github')).lines).toContain(`::error file=${dir}/${FILE},line=${line},title=default-missing::`);
  const { verdicts } = JSON.parse((await check('json')).lines) as { verdicts: { file: string; readers?: object[] }[] };
  expect(verdicts.find(({ file }) => file === FILE)?.readers).toEqual(
    expect.arrayContaining([
      { kind: 'queue', name: queue },
      { kind: 'service', name: 'sales-order' },
    ]),
  );
});

async function check(format: string): Promise<{ code: number; lines: string }> {
  const lines: string[] = [];
  const env = { SCHEMA_REGISTRY_URL: inject('stack').registryUrl };
  const io = {
    out: (text: string) => void lines.push(text),
    err: (text: string) => void lines.push(text),
    env,
    colour: false,
    gateway: { url: gateway, token: () => mesh.token() },
  };
  const code = await runSchemaCommand(['check', '--dir', dir, '--format', format], io, 'heddle schema');
  return { code, lines: lines.join('\n') };
}
