import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AvroCodec } from './avro-codec.js';
import type { AvroSchema } from './avro-schema.js';
import { ConfluentSchemaRegistry } from './confluent-schema-registry.js';
import { RegistryTrial, type Fault } from './registry-trial.js';

const ORDER: AvroSchema = { type: 'record', name: 'Order', fields: [{ name: 'Order', type: 'string' }] };
const NOTE: AvroSchema = { type: 'record', name: 'Note', fields: [{ name: 'Note', type: 'string' }] };
/** Long enough for one that answers on a busy machine. */
const TIMEOUT_MS = 2_000;

const json =
  (status: number, body: string): Fault =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(body);

const FAULTS: readonly [string, Fault][] = [
  ['answers 500', json(500, '{"error_code":50001,"message":"inside"}')],
  ['answers 404 as something else that stands at its address', json(404, '{"title":"Not Found"}')],
  ['answers 401', json(401, '{"error_code":40101,"message":"who?"}')],
  ['answers with a page', (response) => void response.end('<html>Welcome</html>')],
  ['answers with JSON that is cut short', json(200, '{"schema":"{\\"type\\":\\"rec')],
  ['answers with a schema that is no JSON', json(200, '{"schema":"<schema/>"}')],
  ['answers without a schema', json(200, '{}')],
  ['answers with the schema of another id', json(200, '{"id":99,"schema":"\\"string\\""}')],
  ['accepts and never answers', () => undefined],
  [
    'answers slower than it may',
    (response) => void setTimeout(() => response.end('{"schema":"\\"int\\""}'), 30_000).unref(),
  ],
  ['cuts the connection', (response) => void response.socket?.destroy()],
];

let trial: RegistryTrial;
let registry: ConfluentSchemaRegistry;
let codec: AvroCodec;
let known: number;
let unknown: number;
let wire: Buffer;

beforeEach(async () => {
  trial = await RegistryTrial.start();
  known = await trial.memory.register('order', ORDER);
  unknown = await trial.memory.register('note', NOTE);
  registry = new ConfluentSchemaRegistry({ url: trial.url, timeoutMs: TIMEOUT_MS });
  codec = new AvroCodec(registry);
  await codec.load(known);
  wire = codec.encode(known, { Order: '1' });
  trial.requests.length = 0;
});

afterEach(async () => {
  vi.useRealTimers();
  await trial.stop();
});

describe.each(FAULTS)('a registry that %s', (_name, fault) => {
  it('is not asked for what is known, which goes on', async () => {
    trial.fault = fault;
    await codec.load(known);
    expect(codec.decode(wire).data).toEqual({ Order: '1' });
    expect(codec.encode(known, { Order: '1' })).toEqual(wire);
    expect(trial.requests).toEqual([]);
  });

  it('is asked once for what is not, however many want it, and once more after a second; it is never said to be unknown', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    trial.fault = fault;
    // Who compiles a schema, and who hands it on as it is.
    const asking = Array.from({ length: 50 }, () => [codec.load(unknown), registry.byId(unknown)]);
    const all = Promise.allSettled(asking.flat());
    for (const settled of await all)
      expect(settled).toMatchObject({ reason: { code: 'registry-unavailable', retryable: true } });
    vi.setSystemTime(Date.now() + 990);
    await expect(codec.load(unknown)).rejects.toMatchObject({ code: 'registry-unavailable' });
    await expect(registry.byId(unknown)).rejects.toMatchObject({ code: 'registry-unavailable' });
    expect(lookUps()).toBe(1);
    vi.setSystemTime(Date.now() + 20);
    await expect(codec.load(unknown)).rejects.toMatchObject({ code: 'registry-unavailable' });
    expect(lookUps()).toBe(2);

    trial.fault = undefined;
    vi.setSystemTime(Date.now() + 1_010);
    await codec.load(unknown);
    expect(codec.isLoaded(unknown)).toBe(true);
    expect(lookUps()).toBe(3);
  });
});

describe('a registry that is down', () => {
  it('costs nothing that is known, and what is not is there when it is back', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { url } = trial;
    await trial.stop();
    expect(codec.decode(wire).data).toEqual({ Order: '1' });
    await expect(codec.load(unknown)).rejects.toMatchObject({ code: 'registry-unavailable', retryable: true });
    trial = await RegistryTrial.start(Number(new URL(url).port));
    await trial.memory.register('order', ORDER);
    await trial.memory.register('note', NOTE);
    vi.setSystemTime(Date.now() + 1_010);
    await codec.load(unknown);
    expect(codec.isLoaded(unknown)).toBe(true);
  });
});

describe('a registry that is slow, but answers', () => {
  it('is asked once by all who wait, and all get it', async () => {
    let release = (): void => undefined;
    trial.fault = (response) => (release = () => void response.end(JSON.stringify({ schema: JSON.stringify(NOTE) })));
    const waiting = Promise.all(Array.from({ length: 50 }, () => codec.load(unknown)));
    await vi.waitFor(() => expect(trial.requests).toHaveLength(1), { timeout: 10_000 });
    release();
    await waiting;
    expect(codec.isLoaded(unknown)).toBe(true);
    expect(trial.requests).toHaveLength(1);
  });
});

describe('a registry that says it has no such schema', () => {
  it('is believed for five seconds', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    await expect(codec.load(77)).rejects.toMatchObject({ code: 'schema-unknown', retryable: false });
    vi.setSystemTime(Date.now() + 4_900);
    await expect(codec.load(77)).rejects.toMatchObject({ code: 'schema-unknown' });
    expect(lookUps()).toBe(1);
    vi.setSystemTime(Date.now() + 200);
    await expect(codec.load(77)).rejects.toMatchObject({ code: 'schema-unknown' });
    expect(lookUps()).toBe(2);
  });
});

describe('a registry that answers otherwise than it should', () => {
  it('does not pass for one that has no such subject: that would let anything in', async () => {
    trial.fault = json(404, '{"title":"Not Found"}');
    await expect(registry.latest('order')).rejects.toMatchObject({ code: 'registry-unavailable' });
    await expect(registry.versions('order')).rejects.toMatchObject({ code: 'registry-unavailable' });
    await expect(registry.mode('order')).rejects.toMatchObject({ code: 'registry-unavailable' });
    await expect(registry.check('order', ORDER)).rejects.toMatchObject({ code: 'registry-unavailable' });
  });
});

describe('a registry that asks who comes', () => {
  it.each([
    [{ username: 'ci', password: 'p:w' }, `Basic ${Buffer.from('ci:p:w').toString('base64')}`],
    [{ token: 'abc' }, 'Bearer abc'],
  ])('is told in every request, those of its own client too', async (auth, header) => {
    trial.authorization = header;
    await expect(registry.latest('order')).rejects.toMatchObject({ code: 'registry-unavailable' });
    const allowed = new ConfluentSchemaRegistry({ url: trial.url, auth });
    expect(await allowed.byId(known)).toEqual(ORDER);
    expect(await allowed.register('other', NOTE)).toBe(unknown);
  });
});

function lookUps(): number {
  return trial.requests.filter((request) => request.startsWith('GET /schemas/ids/')).length;
}
