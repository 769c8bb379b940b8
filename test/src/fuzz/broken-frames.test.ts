import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  TokenVerifier,
  createKeyPair,
  issueAccessToken,
  Permissions,
  keyOf,
  ACCESS_TOKEN,
  callerOfClaims,
} from '@heddle/auth';
import { HeddleError, attributeProblem, type StoredEvent } from '@heddle/event';
import { CHECKOUT } from '@heddle/infra';
import { AvroCodec, MemorySchemaRegistry, loadSchemaFiles } from '@heddle/schema';
import { beforeAll, expect, it } from 'vitest';
import { type CompileOptions, compileFilter } from '../../../apps/gateway/src/filters/filters.js';
import { Limits } from '../../../apps/gateway/src/limits/limits.js';
import { binaryEvent, parseBatch, parseStructured } from '../../../apps/gateway/src/protocols/http/http.frames.js';
import { FRAME_EXAMPLES } from '../../../apps/gateway/src/protocols/websocket/queue-frame-examples.js';
import { readFrame } from '../../../apps/gateway/src/protocols/websocket/queue.frames.js';
import { Chance } from '../support/chance.js';
import { usedMs } from '../support/used-time.js';
import { contractEvent } from '../support/publishing.js';
import { Mutations } from './mutations.js';

/** In all; `npm run fuzz` asks for more. */
const FRAMES = Number(process.env['HEDDLE_FUZZ_FRAMES'] ?? 20_000);
/** What one may take of a processor; the clock would tell of what else the machine does. */
const MOST_MS = 500;
const MOST_GROWTH = 20 * 1024 * 1024;
const ISSUER = 'https://gateway.example';

const chance = Chance.of('broken frames');
const mutations = new Mutations(chance);
const limits = new Limits();
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const EVENTS = [contractEvent('C-1', {}), contractEvent('C-2', { extension: 'x', time: '2026-03-02T10:15:01.120Z' })];
const FILTERS: readonly unknown[] = [
  [{ exact: { type: 'a.b', source: '/s' } }, { prefix: { subject: '47' } }],
  [{ any: [{ suffix: { type: '.v1' } }, { not: { all: [{ exact: { subject: '1' } }] } }] }],
  [{ cel: 'data.Items.exists(item, item.Amount > 10.5 && item.Text.startsWith("a")) || size(data.List) == 3' }],
  [{ cel: 'has(attributes.subject) && subject.matches("^[0-9]+$") && data.Text.size() in [1, 2, 3]' }],
  [
    {
      cel: 'data.List.filter(x, x % 2 == 0).map(x, x * x) == [4] ? key == "4711" : timestamp("2026-01-01T00:00:00Z") < now',
    },
  ],
];
const STORED: StoredEvent = {
  topic: 'sales-order',
  partition: 0,
  offset: 7,
  key: '4711',
  appendedAt: 0,
  value: new Uint8Array(),
  attributes: { id: 'e1', source: '/s', type: 'a.b', subject: '4711' },
  data: { Items: [{ Amount: 11, Text: 'ab' }], List: [1, 2, 3], Text: 'ab' },
};

let codec: AvroCodec;
let values: Buffer[];
let verifier: TokenVerifier;
let token: string;

beforeAll(async () => {
  const registry = new MemorySchemaRegistry();
  codec = new AvroCodec(registry);
  values = [];
  for (const { subject, schema } of await loadSchemaFiles(`${CHECKOUT}/schemas`)) {
    const id = await registry.register(subject, schema);
    await codec.load(id);
    values.push(Buffer.from(codec.encode(id, (schema as unknown as { heddle: { example: unknown } }).heddle.example)));
  }
  const { publicJwk, privateJwk } = await createKeyPair();
  const key = { kid: publicJwk.kid!, alg: 'ES256', privateKey: await keyOf(privateJwk) } as const;
  const publicKey = await keyOf(publicJwk);
  const trusted = { issuer: ISSUER, audience: 'heddle', types: [ACCESS_TOKEN], callerOf: callerOfClaims };
  verifier = new TokenVerifier([{ ...trusted, key: () => Promise.resolve(publicKey) }], () => true);
  const permissions = Permissions.of(['publish:type:sap.s4.*', 'consume:queue:orders']);
  const caller = { tenant: 'acme', namespace: 'acme/a/b', client: 'shop', permissions, grantedAt: 1_760_000_000_000 };
  token = await issueAccessToken(
    { issuer: ISSUER, audience: 'heddle', clientId: 'acme.shop', caller, lifeSeconds: 600 },
    key,
  );
});

/** Feeds one mutation to a door; nothing but a refusal of ours may come out, and what is let in is looked at. */
type Feed = () => unknown;

/** Of JSON either the text is broken, or what it says. */
function broken(valid: unknown): Buffer {
  if (chance.between(0, 1) === 0) return mutations.bytes(Buffer.from(JSON.stringify(valid)));
  return Buffer.from(JSON.stringify(mutations.json(valid)) ?? '');
}

const FEEDS: Record<string, Feed> = {
  'frames of heddle.v1': () => {
    const read = readFrame(broken(mutations.oneOf(Object.values(FRAME_EXAMPLES))), limits.json);
    if ('error' in read) throw read.error;
  },
  'structured events': () => checkedAttributes(parseStructured(broken(mutations.oneOf(EVENTS)), limits.json)),
  'batches of events': () => parseBatch(broken(EVENTS), limits.batchJson),
  'binary events': () => {
    const { data, ...attributes } = mutations.oneOf(EVENTS) as Record<string, unknown>;
    const headers = Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [`ce-${name}`, mutations.text(String(value))]),
    );
    headers['ce-specversion'] = '1.0';
    const type = chance.between(0, 3) === 0 ? mutations.text('application/json') : 'application/json';
    checkedAttributes(binaryEvent(headers, type, type, broken(data), limits.json));
  },
  'Avro values': () => JSON.stringify(codec.decode(mutations.bytes(mutations.oneOf(values))).data),
  filters: () => {
    const filter = mutations.json(mutations.oneOf(FILTERS)) as Parameters<typeof compileFilter>[0];
    if (!Array.isArray(filter)) return;
    const options: CompileOptions = { onError: () => undefined };
    const compiled = compileFilter(filter, options);
    compiled.matches(STORED);
    compiled.explain(STORED);
  },
  'access tokens': async () => {
    const parts = token.split('.');
    const at = chance.between(0, parts.length - 1);
    const claims = at === 2 ? undefined : (JSON.parse(Buffer.from(parts[at]!, 'base64url').toString()) as unknown);
    parts[at] =
      claims === undefined || chance.between(0, 1) === 0
        ? mutations.text(parts[at]!)
        : Buffer.from(JSON.stringify(mutations.json(claims)) ?? '').toString('base64url');
    const other = parts.join('.');
    await verifier.verify(other);
    // What is signed is what it was; the last character of a signature has bits that nobody reads.
    expect(other.slice(0, other.lastIndexOf('.'))).toBe(token.slice(0, token.lastIndexOf('.')));
  },
};

function checkedAttributes({ attributes }: { attributes: Record<string, string | undefined> }): void {
  const problem = attributeProblem(attributes);
  if (problem !== undefined) throw new HeddleError('attribute-invalid', problem.rule);
}

it.each(Object.entries(FEEDS))(
  'broken %s are refused, each at once, and leave nothing behind',
  async (_what, feed) => {
    const count = Math.ceil(FRAMES / Object.keys(FEEDS).length);
    const warm = Math.ceil(count / 4);
    let refused = 0;
    let heap = 0;
    let slowest = 0;
    for (let n = 0; n < count + warm; n += 1) {
      if (n === warm) heap = usedHeap();
      const begun = process.threadCpuUsage();
      try {
        await feed();
      } catch (error) {
        if (!(error instanceof HeddleError)) throw error;
        expect(error.status).toBeLessThan(500);
        refused += 1;
      }
      slowest = Math.max(slowest, usedMs(begun));
    }
    expect(refused).toBeGreaterThan(count / 10);
    expect(slowest).toBeLessThan(MOST_MS);
    expect(usedHeap() - heap).toBeLessThan(MOST_GROWTH);
  },
  120_000,
);

function usedHeap(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
