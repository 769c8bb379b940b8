import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GatewayTrial } from '../../../apps/gateway/src/gateway-trial.js';
import { Chance } from '../support/chance.js';
import { operationsFor, readAll } from './operations-trial.js';
import { type CanaryDoor, CanarySink, Party, Watch } from './party-trial.js';

// Tenants with things of the same names do whatever there is to do, at random, and every byte that comes to each is
// searched for what only the others can have put in. HEDDLE_CANARY_STEPS says how many steps (2,000, when not set),
// HEDDLE_TEST_SEED repeats a run: the seed is printed.
const STEPS = Number(process.env['HEDDLE_CANARY_STEPS'] ?? 2000);
const TENANTS = ['local', 'qxacme', 'qxglobex'];
const DOORS: CanaryDoor[] = ['body', 'header', 'sse', 'stream', 'queue', 'webhook', 'fetched', 'mqtt'];
const OPEN_TO_ALL = ['/metrics', '/openapi.json', '/asyncapi.json', '/healthz/live', '/healthz/ready'];
const METADATA = ['jwks.json', 'oauth-authorization-server', 'openid-configuration'];
/** Between instances, or followed by receivers that were asked for their consent. */
const NOT_FOR_TENANTS =
  /^(POST \/v1\/tenants\/:tenant\/queues|(GET|POST) \/v1\/webhooks\/handshake|POST \/oauth\/token)/;

const watch = new Watch(TENANTS);
let sink: CanarySink;
let owner: CanarySink;
let trial: GatewayTrial;
let parties: Party[];

beforeAll(async () => {
  const { seed } = Chance.of('steps of tenants');
  [sink, owner] = [await CanarySink.open(watch), await CanarySink.open(watch)];
  const owners = TENANTS.map((tenant) => `${tenant}/sales-order=${owner.url}/${tenant}`).join(',');
  trial = await GatewayTrial.start({ OWNER_URLS: owners, HEDDLE_LIMIT_TENANT_QUEUES: '16' });
  parties = TENANTS.map(
    (tenant, n) => new Party(tenant, trial, new Chance(seed + n + 1), watch, `${sink.url}/${tenant}`),
  );
});

afterAll(async () => {
  for (const party of parties) party.close();
  await trial.stop();
  await sink.close();
  await owner.close();
});

describe('tenants that do whatever there is to do', () => {
  it(
    'never see a byte of each other, at any door',
    async () => {
      const operations = operationsFor(parties);
      const total = operations.reduce((sum, [weight]) => sum + weight, 0);
      const steps = Math.ceil(STEPS / parties.length);
      await Promise.all(
        parties.map(async (party) => {
          for (let n = 0; n < steps && watch.leaks.length === 0; n += 1) {
            let at = party.chance.next() * total;
            const [, run] = operations[n] ?? operations.find(([weight]) => (at -= weight) < 0)!;
            await run(party);
          }
        }),
      );
      for (const path of [...OPEN_TO_ALL, ...METADATA.map((name) => `/.well-known/${name}`)]) {
        const answer = await fetch(trial.url + path);
        expect([path, answer.ok]).toEqual([path, true]);
        watch.saw(undefined, path, await answer.text());
      }
      expect(watch.leaks).toEqual([]);
      expect(parties.flatMap(({ unexpected }) => unexpected)).toEqual([]);
    },
    STEPS * 50 + 60_000,
  );

  it('did see their own at each of them', async () => {
    for (const party of parties) await readAll(party);
    for (const { tenant } of parties) {
      await vi.waitFor(
        () => {
          const unseen = DOORS.filter((door) => watch.own(tenant, door) === 0);
          expect({ tenant, unseen }).toEqual({ tenant, unseen: [] });
        },
        { timeout: 10_000 },
      );
    }
  });

  it('did use every route', () => {
    const called = parties.flatMap((party) => [...party.called]);
    const unused = trial.routes
      .filter(({ method, path, access }) => access !== 'public' && !NOT_FOR_TENANTS.test(`${method} ${path}`))
      .filter(({ method, path }) => {
        const form = new RegExp(`^${method} ${path.replaceAll(/:[a-z]+/gi, '[^/]+')}$`);
        return !called.some((one) => form.test(one));
      })
      .map(({ method, path }) => `${method} ${path}`);
    expect(unused).toEqual([]);
  });

  it('would have been caught', () => {
    const trap = new Watch(TENANTS);
    trap.saw('local', 'body', '{"a":"canary-of-qxacme"}');
    trap.saw('qxacme', 'body', 'canary-of-local');
    trap.saw('qxacme', 'body', 'canary-of-qxacme');
    trap.saw(undefined, '/metrics', 'queue{tenant="qxglobex"} 1');
    expect(trap.leaks.map(({ to, of }) => `${of} to ${to}`)).toEqual([
      'qxacme to local',
      'local to qxacme',
      'qxglobex to everybody',
    ]);
  });
});
