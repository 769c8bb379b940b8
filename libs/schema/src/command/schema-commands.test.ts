import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AvroSchema } from '../avro-schema.js';
import { RegistryTrial } from '../registry-trial.js';
import { EXIT, type CommandIo } from './command.js';
import { runSchemaCommand, schemaCommands } from './schema-commands.js';

const SUBJECT = 'order-heddle.order.v1.OrderPaid';
const FILE = 'order/OrderPaid.avsc';

let dir: string;
let trial: RegistryTrial;
let out: string[];
let err: string[];
let env: Record<string, string>;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'heddle-commands-'));
  trial = await RegistryTrial.start();
  env = { SCHEMA_REGISTRY_URL: trial.url };
});

afterEach(async () => {
  await trial.stop();
  await rm(dir, { recursive: true });
});

type Field = { name: string; [property: string]: unknown };

const NUMBER: Field = { name: 'Order', type: { type: 'string', maxLength: 3 }, doc: 'Number.' };
const AMOUNT: Field = { name: 'Amount', type: 'long', doc: 'Cents.' };
const NOTE: Field = { name: 'Note', type: ['null', 'string'], default: null, doc: 'A note.' };

function paid(fields: readonly Field[], example: object, more: object = {}): AvroSchema {
  return {
    type: 'record',
    namespace: 'heddle.order.v1',
    name: 'OrderPaid',
    doc: 'An order was paid.',
    heddle: { type: 'heddle.order.v1.Order.Paid.v1', topic: 'order', key: 'Order', summary: 'Paid.', example },
    fields,
    ...more,
  } as unknown as AvroSchema;
}

const FIRST = paid([NUMBER, AMOUNT], { Order: '1', Amount: 5 });
const WIDER = paid([NUMBER, AMOUNT, NOTE], { Order: '1', Amount: 5 });
const BROKEN = paid([NUMBER, { name: 'Currency', type: 'string', doc: 'ISO 4217.' }], { Order: '1', Currency: 'EUR' });

async function put(schema: AvroSchema | string, file = FILE): Promise<void> {
  await mkdir(join(dir, file, '..'), { recursive: true });
  await writeFile(join(dir, file), typeof schema === 'string' ? schema : JSON.stringify(schema, null, 2));
}

async function run(line: string, more: Partial<CommandIo> = {}): Promise<number> {
  out = [];
  err = [];
  const io = { out: (text: string) => out.push(text), err: (text: string) => err.push(text), env, colour: false };
  return runSchemaCommand([...line.split(' '), '--dir', dir], { ...io, ...more } as CommandIo, 'heddle schema');
}

describe('check', () => {
  it('finds nothing wrong with what is new, what is the same, and what may be added', async () => {
    await put(FIRST);
    expect(await run('check')).toBe(0);
    expect(out).toContain(`${FILE}: new`);
    await trial.memory.register(SUBJECT, FIRST);
    expect(await run('check')).toBe(0);
    await put(WIDER);
    expect(await run('check')).toBe(0);
    expect(out.join('\n')).toContain(`${FILE}: compatible with version 1 and those before it (FULL_TRANSITIVE)`);
    expect(await trial.memory.versions(SUBJECT)).toHaveLength(1);
  });

  it('says which field breaks which readers in which way, with its line, and ends with 1', async () => {
    await trial.memory.register(SUBJECT, FIRST);
    await put(BROKEN);
    const gateway = await gatewayWith({ queues: [{ name: 'crm-sync' }], services: [{ name: 'sales-order' }] });
    expect(await run('check', { gateway })).toBe(1);
    const text = await readFile(join(dir, FILE), 'utf8');
    const line = text.split('\n').findIndex((each) => each.includes('"Currency",')) + 1;
    expect(line).toBeGreaterThan(1);
    expect(out).toContain(
      `  ${FILE}:${line} Order.Paid v2 adds Currency without a default: whoever reads with it cannot read what version 1 wrote, as in a replay; queue crm-sync and service sales-order read it.`,
    );
    expect(out.join('\n')).toContain(
      'Order.Paid v2 takes away Amount, which had no default: whoever reads with version 1 cannot read what is written with it; queue crm-sync and service sales-order read it.',
    );
  });

  it('judges by the mode of the subject, and by another one when asked', async () => {
    await trial.memory.register(SUBJECT, WIDER, 'FORWARD');
    const more = paid([NUMBER, AMOUNT, NOTE, { name: 'Currency', type: 'string', doc: 'x' }], {
      Order: '1',
      Amount: 5,
      Currency: 'EUR',
    });
    await put(more);
    expect(await run('check')).toBe(0);
    expect(await run('check --mode full')).toBe(1);
    expect(await run('check --mode NONE')).toBe(0);
  });

  it('annotates pull requests with file and line', async () => {
    await trial.memory.register(SUBJECT, FIRST);
    await put(BROKEN);
    expect(await run('check --format github')).toBe(1);
    expect(out[0]).toMatch(
      /^::error file=[^,]+OrderPaid\.avsc,line=\d+,title=default-missing::Order\.Paid v2 adds Currency/,
    );
    await put('{"type": "record"');
    expect(await run('check --format github')).toBe(4);
    expect(out[0]).toMatch(/^::error file=\S+OrderPaid\.avsc::order\/OrderPaid\.avsc: /);
  });

  it('speaks JSON', async () => {
    await trial.memory.register(SUBJECT, FIRST);
    await put(BROKEN);
    expect(await run('check --format json')).toBe(1);
    const { verdicts } = JSON.parse(out.join('\n')) as { verdicts: Record<string, unknown>[] };
    expect(verdicts).toMatchObject([
      { file: FILE, subject: SUBJECT, mode: 'FULL_TRANSITIVE', latest: 1, outcome: 'incompatible' },
    ]);
    expect(verdicts[0]!['findings']).toContainEqual({
      path: 'data.Currency',
      rule: 'default-missing',
      message: 'the writer has no such field, and it has no default',
      version: 1,
      direction: 'backward',
      breaking: true,
      avro: true,
      line: expect.any(Number) as number,
    });
  });

  it('gives its verdict when the gateway does not answer, and says that readers are not known', async () => {
    await trial.memory.register(SUBJECT, FIRST);
    await put(BROKEN);
    expect(await run('check --gateway http://127.0.0.1:1')).toBe(1);
    expect(err.join('\n')).toContain('does not say who reads heddle.order.v1.Order.Paid.v1');
  });
});

describe('diff', () => {
  it('tells in words what has changed, and what of it breaks readers', async () => {
    await trial.memory.register(SUBJECT, WIDER);
    const longer = { ...NUMBER, type: { type: 'string', maxLength: 5 } };
    await put(paid([longer, { ...AMOUNT, type: 'string' }], { Order: '1', Amount: 'x' }));
    expect(await run('diff')).toBe(1);
    expect(out.slice(0, 4)).toEqual([
      `${FILE}: since version 1, under FULL_TRANSITIVE`,
      '  safe     ~ data.Order was text of at most 3 characters and is text of at most 5 characters',
      '  breaking ~ data.Amount was a whole number of 64 bits, as a string beyond 2^53 and is text',
      '  safe     - data.Note is taken away: text, or null, the default null',
    ]);
    expect(await run('diff', { colour: true })).toBe(1);
    expect(out[2]).toContain('\u001b[31mbreaking\u001b[0m');
  });
});

describe('push', () => {
  it('registers what is new or changed under its mode; a dry run registers nothing', async () => {
    await put(FIRST);
    expect(await run('push --dry-run')).toBe(0);
    expect(await trial.memory.versions(SUBJECT)).toEqual([]);
    expect(await run('push')).toBe(0);
    expect(out).toContain(`${FILE} is schema 1`);
    expect(await trial.memory.mode(SUBJECT)).toBe('FULL_TRANSITIVE');
    await put(WIDER);
    expect(await run('push')).toBe(0);
    expect((await trial.memory.versions(SUBJECT)).map(({ version }) => version)).toEqual([1, 2]);
  });

  it('refuses what breaks readers in the same words, and then registers nothing of the rest either', async () => {
    await trial.memory.register(SUBJECT, FIRST);
    await put(BROKEN);
    const other = { ...(FIRST as object), name: 'OrderSent' } as Record<string, unknown>;
    const heddle = { ...(other['heddle'] as object), type: 'heddle.order.v1.Order.Sent.v1' };
    await put({ ...other, heddle } as unknown as AvroSchema, 'order/OrderSent.avsc');
    expect(await run('push')).toBe(1);
    expect(out.join('\n')).toContain('Order.Paid v2 adds Currency without a default');
    expect(out).toContain('nothing is registered');
    expect(await trial.memory.subjects()).toEqual([SUBJECT]);
  });

  it('registers what defines a name before what uses it, each standing for itself', async () => {
    const address = {
      type: 'record',
      name: 'Address',
      doc: 'Where.',
      fields: [{ name: 'City', type: 'string', doc: 'x' }],
    };
    const sent = {
      ...(paid([NUMBER, { name: 'To', type: address, doc: 'x' }], { Order: '1', To: { City: 'Bonn' } }) as object),
      name: 'OrderSent',
    } as Record<string, unknown>;
    const heddle = { ...(sent['heddle'] as object), type: 'heddle.order.v1.Order.Sent.v1' };
    await put({ ...sent, heddle } as unknown as AvroSchema, 'order/OrderSent.avsc');
    await put(
      paid([NUMBER, { name: 'By', type: 'heddle.order.v1.Address', doc: 'x' }], { Order: '1', By: { City: 'Köln' } }),
    );
    expect(await run('push')).toBe(0);
    const posts = trial.requests.filter((request) => request.startsWith('POST'));
    expect(posts.map((request) => /v1\.(\w+)/.exec(request)?.[1])).toEqual(['OrderSent', 'OrderPaid']);
    expect(JSON.stringify((await trial.memory.latest(SUBJECT))?.schema)).toContain('"City"');
  });
});

describe('pull', () => {
  it('writes what is registered where schemas lie, and leaves what says the same as it is', async () => {
    await trial.memory.register(SUBJECT, WIDER);
    await trial.memory.register('stock-Count', { type: 'record', name: 'Count', fields: [] });
    await trial.memory.register('../../evil', { type: 'record', name: 'Evil', fields: [] });
    expect(await run('pull --dry-run')).toBe(0);
    expect(await run('pull')).toBe(0);
    expect(JSON.parse(await readFile(join(dir, FILE), 'utf8'))).toEqual(WIDER);
    expect(JSON.parse(await readFile(join(dir, 'stock/Count.avsc'), 'utf8'))).toMatchObject({ name: 'Count' });
    expect(err).toEqual(['../../evil is left out: it has no name for a file']);
    expect(await run('pull')).toBe(0);
    expect(out).toEqual(['3 subjects: 0 written']);
  });
});

describe('types', () => {
  it('writes them, and says in a dry run that they are not up to date', async () => {
    await put(FIRST);
    expect(await run('types --dry-run')).toBe(1);
    expect(await run('types')).toBe(0);
    expect(await readFile(join(dir, 'order/order.generated.ts'), 'utf8')).toContain(
      "Paid: 'heddle.order.v1.Order.Paid.v1'",
    );
    expect(await run('types --dry-run')).toBe(0);
  });
});

describe('every command', () => {
  it('ends with 2 for what it does not know, 3 when the registry does not answer, 4 for a schema that breaks a rule', async () => {
    await put(FIRST);
    expect(await run('chek')).toBe(2);
    expect(await run('check --registri x')).toBe(2);
    expect(await run('check --mode SOMETIMES')).toBe(2);
    expect(await run('check --format xml')).toBe(2);
    expect(await run('check --registry nowhere')).toBe(2);
    expect(await run('check --registry http://127.0.0.1:2')).toBe(3);
    expect(err.join('\n')).toMatch(
      /registry-unavailable: .*http:\/\/127.0.0.1:2.*ECONNREFUSED.*SCHEMA_REGISTRY_URL says/,
    );
    await put(paid([NUMBER], {}));
    expect(await run('check')).toBe(4);
  });

  it('tells a registry that asks for it who comes', async () => {
    await put(FIRST);
    trial.authorization = `Basic ${Buffer.from('ci:secret').toString('base64')}`;
    expect(await run('check')).toBe(3);
    env = { ...env, SCHEMA_REGISTRY_PASSWORD: 'secret' };
    expect(await run('check --user ci')).toBe(0);
    expect(await run(`check --registry ${trial.url.replace('//', '//ci:secret@')}`)).toBe(0);
    await writeFile(join(dir, 'token'), 'abc\n');
    trial.authorization = 'Bearer abc';
    expect(await run(`check --token-file ${join(dir, 'token')}`)).toBe(0);
  });

  it('ends with the codes that the guide lists', async () => {
    const guide = await readFile(new URL('../../../../docs/guides/schemas.md', import.meta.url), 'utf8');
    const listed = [...guide.matchAll(/^\| (\d) +\|/gm)].map(([, code]) => Number(code));
    expect(listed).toEqual(Object.values(EXIT));
  });

  it('has help with its options and an example', async () => {
    for (const { name, options } of schemaCommands) {
      expect(await run(`${name} --help`)).toBe(0);
      for (const option of Object.keys(options)) expect(out.join('\n')).toContain(`--${option}`);
      expect(out.join('\n')).toContain(`  heddle schema ${name}`);
    }
  });
});

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function gatewayWith(readers: object): Promise<{ url: string; token: () => string }> {
  const server = createServer((request, response) => {
    const isRight =
      request.url === '/v1/catalogue/heddle.order.v1.Order.Paid.v1/readers' &&
      request.headers.authorization === 'Bearer t';
    response.writeHead(isRight ? 200 : 500).end(JSON.stringify(readers));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: () => 't' };
}
