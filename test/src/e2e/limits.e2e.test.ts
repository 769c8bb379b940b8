import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { WebSocket } from 'ws';
import { call } from '../support/http-call.js';
import { authorizationFor } from '../support/keyring.js';
import { Mesh } from '../support/mesh.js';
import { freshKey } from '../support/orders.js';
import { contractEvent, publish, publishBatch } from '../support/publishing.js';
import { openWebSocket } from '../support/stream-clients.js';

const RATE = 50;

let mesh: Mesh;
let gateway: string;

beforeAll(async () => {
  const env = { HEDDLE_LIMIT_CLIENT_CONNECTIONS: '2', HEDDLE_LIMIT_CLIENT_EVENTS_PER_SECOND: String(RATE) };
  mesh = await Mesh.start({ ground: inject('stack'), apps: ['gateway'], env: { gateway: env } });
  gateway = mesh.url('gateway');
});

afterAll(() => mesh.stop());

test('a client that publishes more than its rate is told when to come again, and is let in then', async () => {
  // What costs more than there is at most is let in once, and paid off.
  const events = Array.from({ length: RATE * 2 }, () => contractEvent(freshKey()));
  await expect.poll(async () => (await publishBatch(gateway, events)).status, { timeout: 10_000 }).toBe(202);
  const refused = await publishBatch(gateway, events.slice(0, 10));
  expect(refused).toMatchObject({ status: 429, json: { code: 'rate-limited', field: 'client', retryable: true } });
  expect(refused.headers.get('ratelimit-policy')).toBe(`"client";q=${RATE};w=1`);
  const seconds = Number(refused.headers.get('retry-after'));
  expect(seconds).toBeGreaterThanOrEqual(1);
  await expect
    .poll(async () => (await publish(gateway, contractEvent(freshKey()))).status, { timeout: (seconds + 10) * 1000 })
    .toBe(202);
});

test('more streams than a client may have are refused, of whatever kind, and operators hear of it once', async () => {
  const [one, two] = [await openWebSocket(gateway), await openWebSocket(gateway)];
  // As soon as the rate that was used up before has room for a request.
  await expect
    .poll(() => call('GET', `${gateway}/v1/stream`), { timeout: 10_000 })
    .toMatchObject({ status: 429, json: { code: 'too-many-connections', field: 'client' } });
  const headers = await authorizationFor(gateway);
  const third = new WebSocket(`${gateway.replace('http', 'ws')}/v1/stream`, 'cloudevents.json', { headers });
  const refusal = await new Promise<Error>((resolve) => third.once('error', resolve));
  expect(refusal.message).toContain('429');
  one.close();
  await one.closed;
  const openedAgain = async (): Promise<boolean> => {
    const again = await openWebSocket(gateway).catch(() => undefined);
    again?.close();
    return again !== undefined;
  };
  await expect.poll(openedAgain).toBe(true);
  two.close();
  const operations = async (): Promise<{ kind: string; name: string }[]> => {
    const { json } = await call('GET', `${gateway}/v1/operations`);
    const { operations: all = [] } = (json ?? {}) as { operations?: { kind: string; name: string }[] };
    return all.filter(({ kind, name }) => kind === 'limit.near' && name.startsWith('connections/client/'));
  };
  await expect.poll(operations, { timeout: 20_000 }).toHaveLength(1);
});
