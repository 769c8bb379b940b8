import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { call } from '../support/http-call.js';
import { Mesh } from '../support/mesh.js';

const LONG = { timeout: 30_000 };
const MESSAGING = '/messagingrest/v1/subscriptions';
const EVENTS = '/sap/ems/v1/events/subscriptions';
const NOWHERE = 'http://127.0.0.1:59999/';

let mesh: Mesh;

beforeAll(async () => {
  mesh = await Mesh.start({ ground: inject('stack'), apps: ['gateway'] });
});

afterAll(() => mesh.stop());

/** As with any request while slots move from one instance to another. */
async function done(method: string, url: string, body: unknown, status: number, headers = {}): Promise<unknown> {
  return vi.waitFor(async () => {
    const answer = await call(method, url, { body, headers });
    expect([answer.status, answer.text]).toEqual([status, expect.anything()]);
    return answer.json;
  }, LONG);
}

test('a client that is deleted takes its subscriptions with it wherever they are at work, and leaves the queues they read', async () => {
  const other = await mesh.anotherGateway();
  const gateways = [mesh.url('gateway'), other.url('gateway')] as const;
  try {
    for (const [at, gateway] of gateways.entries()) {
      const run = randomUUID().slice(0, 8);
      const client = `leaving-${run}`;
      const permissions = [`consume:queue:q/${run}/*`, `consume:type:${CONTRACT_SIGNED}`];
      const made = (await done('PUT', `${gateway}/v1/clients/${client}`, { permissions }, 201)) as Record<
        string,
        string
      >;
      const basic = Buffer.from(`${client}:${made['clientSecret']}`).toString('base64');
      const form = { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' };
      const grant = 'grant_type=client_credentials';
      const token = (await done('POST', `${gateway}/oauth/token`, grant, 200, form)) as { access_token: string };
      const own = { authorization: `Bearer ${token.access_token}` };
      // So many that each instance works on some of them.
      const numbers = Array.from({ length: 8 }, (_, n) => n);
      const pushConfig = { type: 'webhook', endpoint: NOWHERE, exemptHandshake: true };
      for (const n of numbers) {
        const asked = gateways[n % 2]!;
        await done('PUT', `${asked}/v1/queues/${encodeURIComponent(`q/${run}/${n}`)}`, { topicPatterns: [] }, 201);
        const push = { name: `push-${run}-${n}`, address: `queue:q/${run}/${n}`, qos: 1, pushConfig };
        await done('POST', `${asked}${MESSAGING}`, push, 201, own);
        const events = { name: `events-${run}-${n}`, events: [{ type: CONTRACT_SIGNED }], webhookUrl: NOWHERE };
        await done('POST', `${asked}${EVENTS}`, { ...events, exemptHandshake: true }, 201, own);
      }
      await done('DELETE', `${gateway}/v1/clients/${client}`, undefined, 204);
      const answered = { headers: own };
      await vi.waitFor(async () => {
        for (const asked of gateways) expect((await call('GET', `${asked}${MESSAGING}`, answered)).status).toBe(401);
      }, LONG);
      for (const asked of [gateways[at]!, gateways[1 - at]!]) {
        for (const n of numbers) {
          for (const gone of [
            `webhooks/push-${run}-${n}`,
            `webhooks/events-${run}-${n}`,
            `queues/events-${run}-${n}`,
          ]) {
            await done('GET', `${asked}/v1/${gone}`, undefined, 404);
          }
          await done('GET', `${asked}/v1/queues/${encodeURIComponent(`q/${run}/${n}`)}`, undefined, 200);
        }
      }
    }
  } finally {
    await other.stop();
  }
}, 180_000);
