import { type Server as HttpServer, createServer as createHttpServer } from 'node:http';
import { type AddressInfo, type Server, createServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AttemptOutcome, judge } from '../deliver.js';
import { type Consent, ask, initialConsent } from '../protocols/webhook/handshake.js';
import { Handshakes } from '../protocols/webhook/handshakes.js';
import type { MadeRequest } from '../protocols/webhook/request-maker.js';
import { TokenSource } from '../protocols/webhook/token-source.js';
import type { ReceiverParts } from '../protocols/webhook/webhook-receiver.js';
import { WebhookReceivers } from '../protocols/webhook/webhook-receivers.js';
import type { WebhookDefinition } from '../protocols/webhook/webhook.js';
import { WebhooksTrial } from '../protocols/webhook/webhooks-trial.js';
import { type NameServer, serveNames } from './dns-trial.js';
import { rulesOf } from './network-trial.js';
import { ReceiverNetwork } from './receiver-network.js';
import { resolveBy } from './resolver.js';
import { FORBIDDEN_V4, FORBIDDEN_V6, spellings } from './spellings-trial.js';

/** Looks public; whatever is allowed to connect there reaches the stand-in on this machine, and nothing leaves it. */
const PUBLIC = '93.184.215.14';
const PUBLIC_V6 = '2606:2800:21f:cb07:6820:80da:af6b:8b2c';
const TYPES = { types: ['heddle.thing.*'] };

/** Names that lead to a forbidden address, each by another trick. */
const TRICKS: Record<string, readonly string[]> = {
  'first-bad.test': ['127.0.0.1', PUBLIC],
  'last-bad.test': [PUBLIC, '127.0.0.1'],
  'between.test': [PUBLIC, '10.0.0.1', PUBLIC],
  'bad-v6.test': [PUBLIC, PUBLIC_V6, '::1'],
  'bad-v4.test': [PUBLIC_V6, '127.0.0.1'],
  'v6-only.test': ['::1'],
  'chain.test': ['one.chain.test', 'two.chain.test', 'three.chain.test', '127.0.0.1'],
  'chain-mixed.test': ['one.mixed.test', PUBLIC, '169.254.169.254'],
  'chain-v6.test': ['one.v6.test', 'two.v6.test', '::1'],
  'mapped.test': ['::ffff:7f00:1'],
  'compatible.test': ['::7f00:1'],
  'nat64.test': ['64:ff9b::7f00:1'],
  'six-to-four.test': ['2002:7f00:1::1'],
  '127.0.0.1.nip.test': ['127.0.0.1'],
  'localhost.test': ['127.0.0.1', '::1'],
  'xn--bcher-kva.test': ['127.0.0.1'],
  ...Object.fromEntries([...FORBIDDEN_V4, ...FORBIDDEN_V6].map((address, n) => [`n${n}.test`, [address]])),
};

let names: NameServer;
let sinks: Server[];
let sinkPort: number;
/** Connections that came to a forbidden sink. */
let accepts = 0;
let standIn: HttpServer;
let standInPort: number;
let arrivals: string[] = [];
/** Every address that was found good, as the socket was to get it. */
let reached: string[] = [];
let network: ReceiverNetwork;

beforeAll(async () => {
  const sink = () => createServer((socket) => (accepts++, socket.destroy()));
  const first = sink();
  sinkPort = await listen(first, 0, '127.0.0.1');
  sinks = [first];
  const second = sink();
  // A machine without IPv6 has no such sink.
  if ((await listen(second, sinkPort, '::1').catch(() => 0)) !== 0) sinks.push(second);
  standIn = createHttpServer((request, response) => {
    arrivals.push(request.headers.host ?? '');
    request.resume();
    const location = new URL(request.url ?? '/', 'http://here.test').searchParams.get('to');
    if (location === null) response.writeHead(204).end();
    else response.writeHead(307, { location: new URL(location).href }).end();
  });
  standInPort = await listen(standIn, 0, '127.0.0.1');
  names = await serveNames({
    ...TRICKS,
    'public.test': [PUBLIC],
    'chain-public.test': ['one.public.test', PUBLIC, PUBLIC_V6],
    'rebound.test': (times) => (times % 2 === 0 ? [PUBLIC] : ['127.0.0.1']),
    'turned.test': (times) => (times === 0 ? [PUBLIC] : ['127.0.0.1']),
  });
  network = networkWith(rulesOf());
});

afterAll(async () => {
  standIn.closeAllConnections();
  await Promise.all([...sinks, standIn].map((server) => new Promise((resolve) => server.close(resolve))));
  await names.close();
});

beforeEach(() => {
  [accepts, arrivals, reached] = [0, [], []];
});

describe('of all spellings and names of forbidden addresses', () => {
  it('there are more than 250, and none is stored, neither by a new webhook nor by a change, as URL or token URL', async () => {
    const trial = new WebhooksTrial(network);
    const good = `http://public.test:${standInPort}/`;
    await trial.put('known', { ...TYPES, url: good });
    await eachOf(everyUrl(), async (url) => {
      const oauth2 = { tokenUrl: url, clientId: 'a', clientSecret: 'b' };
      for (const [body, field] of [
        [{ ...TYPES, url }, 'url'],
        [{ ...TYPES, url: good, auth: { oauth2 } }, 'auth.oauth2.tokenUrl'],
      ] as const) {
        for (const name of ['new', 'known']) expect([url, await refusal(trial, name, body)]).toEqual([url, field]);
      }
    });
    expect(everyUrl().length).toBeGreaterThan(250);
    expect([...trial.stored.values()].map(({ url }) => url)).toEqual([good]);
    trial.webhooks.close();
    expectNothingReached();
    await somethingArrives();
  });

  it('none is delivered to, as if it had been stored', async () => {
    await eachOf(parsedUrls(), async (url) => {
      expect([url, (await deliver(url)).error?.class]).toEqual([url, 'refused-address']);
    });
    expectNothingReached();
    await somethingArrives();
  });

  it('none is followed where a receiver redirects to it', async () => {
    await eachOf(parsedUrls(), async (url) => {
      const outcome = await deliver(`http://public.test:${standInPort}/`, network, `/?to=${encodeURIComponent(url)}`);
      expect(judge(outcome)).toMatchObject({ done: false, reason: 'status 307: redirects are not followed' });
    });
    expect(arrivals).toHaveLength(parsedUrls().length);
    expect(accepts).toBe(0);
    await somethingArrives();
  });

  it('none is asked for a token', async () => {
    await eachOf(parsedUrls(), async (tokenUrl) => {
      const source = new TokenSource({ tokenUrl, clientId: 'a', clientSecret: 'b' }, network);
      const error = await source.fetch().catch((cause: unknown) => cause);
      expect([tokenUrl, error]).toMatchObject([tokenUrl, { cause: { code: 'receiver-forbidden' } }]);
    });
    expectNothingReached();
    await somethingArrives();
  });

  it('none is asked for consent', async () => {
    await eachOf(parsedUrls(), async (url) => {
      const after = await ask(asking(), { url, wish: { origin: 'here.test' }, callback: 'http://here.test/', network });
      expect([url, after]).toMatchObject([url, { state: 'asking', lastError: 'receiver-forbidden' }]);
    });
    expectNothingReached();
    await somethingArrives();
  });
});

describe('a name that leads elsewhere from one query to the next', () => {
  it('is let in while it looks public, and is not followed to what it leads to later', async () => {
    const url = `http://turned.test:${sinkPort}/`;
    const trial = new WebhooksTrial(network);
    await trial.put('turned', { ...TYPES, url });
    trial.webhooks.close();
    for (let n = 0; n < 5; n++) {
      expect(await deliver(url)).toMatchObject({ sent: false, error: { class: 'refused-address' } });
    }
    expect(accepts).toBe(0);
    await somethingArrives();
  });

  it('is resolved once for a connection, which goes to what was checked', async () => {
    const outcomes: (string | number)[] = [];
    for (let n = 0; n < 20; n++) {
      const { status, error } = await deliver(`http://rebound.test:${standInPort}/`);
      outcomes.push(error?.class ?? status);
    }
    expect(outcomes).toEqual(Array.from({ length: 10 }, () => [204, 'refused-address']).flat());
    expect(names.asked.get('A rebound.test')).toBe(20);
    expect(new Set(reached)).toEqual(new Set([`${PUBLIC} ${standInPort}`]));
    expect([accepts, arrivals.length]).toEqual([0, 10]);
  });

  it('is not asked for consent where it led to before', async () => {
    const consents: Consent[] = [];
    const handshakes = new Handshakes('http://here.test', network, (_webhook, consent) => consents.push(consent));
    const url = `http://last-bad.test:${sinkPort}/`;
    handshakes.follow({ ...definition(url), handshake: { origin: 'here.test' }, consent: asking() });
    await expect.poll(() => consents, { timeout: 10_000 }).toMatchObject([{ lastError: 'receiver-forbidden' }]);
    handshakes.close();
    expectNothingReached();
    await somethingArrives();
  });
});

it('what an operator allows is reached, by the same sinks that nothing reached before', async () => {
  const allowing = networkWith(rulesOf({ allowed: ['127.0.0.0/8', '::1/128'] }));
  const at = (host: string) => deliver(`http://${host}:${sinkPort}/`, allowing);
  expect(await at('127.0.0.1')).toMatchObject({ sent: true });
  expect(accepts).toBe(1);
  if (sinks.length === 2) expect(await at('[::1]')).toMatchObject({ sent: true });
  expect(accepts).toBe(sinks.length);
});

function networkWith(rules: ReturnType<typeof rulesOf>): ReceiverNetwork {
  return new ReceiverNetwork({
    rules,
    own: [],
    resolve: resolveBy([names.address]),
    reach: (address, port) => {
      reached.push(`${address} ${port}`);
      if (port === standInPort) return '127.0.0.1';
      throw Object.assign(new Error('nothing leaves this machine'), { code: 'ENETUNREACH' });
    },
  });
}

/** Some at a time: a name server's socket does not hold hundreds of queries. */
async function eachOf(urls: readonly string[], check: (url: string) => Promise<void>): Promise<void> {
  for (let at = 0; at < urls.length; at += 32) await Promise.all(urls.slice(at, at + 32).map(check));
}

/** All URLs that lead to forbidden addresses: by themselves and by name. */
function everyUrl(): string[] {
  return [...spellings(sinkPort), ...Object.keys(TRICKS).map((name) => `http://${name}:${sinkPort}/`)];
}

/** Those that could have been stored, or come in an answer: the others are no URLs. */
function parsedUrls(): string[] {
  return everyUrl().filter((url) => URL.canParse(url));
}

/** The field that is named when a change is refused. */
async function refusal(trial: WebhooksTrial, name: string, body: object): Promise<string | undefined> {
  try {
    await trial.put(name, body);
    return undefined;
  } catch (error) {
    // The rules of the shape come first: a user or a fragment is refused before anything is looked up.
    const { issues, code, field } = error as { issues?: { path: string[] }[]; code?: string; field?: string };
    return code === 'receiver-forbidden' ? field : issues?.map(({ path }) => path.join('.')).join();
  }
}

function deliver(url: string, over = network, path = '/'): Promise<AttemptOutcome> {
  const receivers = new WebhookReceivers({ network: over } as ReceiverParts);
  const request = { path, headers: [], body: Buffer.from('{}') } as unknown as MadeRequest;
  return receivers.attempt(definition(url), request);
}

function definition(url: string): WebhookDefinition {
  return { name: 'hook', url, auth: {}, delivery: { maxInFlight: 1, timeoutMs: 5000 } } as unknown as WebhookDefinition;
}

function asking(): Consent & { state: 'asking' } {
  const wish = { tenant: 'local', name: 'hook', handshake: { origin: 'here.test' } };
  return initialConsent(wish, Date.now()) as Consent & { state: 'asking' };
}

function expectNothingReached(): void {
  expect({ accepts, arrivals, reached }).toEqual({ accepts: 0, arrivals: [], reached: [] });
}

/** By the same network, so that what refused everything is known to let something through. */
async function somethingArrives(): Promise<void> {
  arrivals = [];
  for (const host of ['public.test', 'chain-public.test']) {
    expect(await deliver(`http://${host}:${standInPort}/`)).toMatchObject({ status: 204 });
  }
  expect(arrivals).toEqual([`public.test:${standInPort}`, `chain-public.test:${standInPort}`]);
  expect(accepts).toBe(0);
}

async function listen(server: Server | HttpServer, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return (server.address() as AddressInfo).port;
}
