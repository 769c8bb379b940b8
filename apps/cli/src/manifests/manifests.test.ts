import { describe, expect, it } from 'vitest';
import { channelKind } from './channel-kind.js';
import { clientKind } from './client-kind.js';
import { differenceLines, differences } from './differences.js';
import type { Kind, Spec, View } from './kind.js';
import { queueKind } from './queue-kind.js';
import { variableName, withVariables, withoutVariables } from './variables.js';
import { webhookKind } from './webhook-kind.js';

const RETRY = { firstMs: 1000, factor: 2, capMs: 300_000, jitter: 0.25, attempts: 20, maxAgeMs: 86_400_000 };
const QUEUE: View = {
  name: 'orders',
  version: 3,
  types: ['a.*'],
  filter: [{ cel: 'data.X == "${Y}"' }],
  order: 'key',
  leaseMs: 30_000,
  retry: RETRY,
  deadLetters: true,
  maxInFlight: 1000,
  shape: 'notify',
  start: { contract: [5] },
  paused: false,
  createdAt: 'then',
  updatedAt: 'then',
};
const CHANNEL: View = {
  ...Object.fromEntries(Object.entries(QUEUE).filter(([name]) => !['types', 'filter', 'paused'].includes(name))),
  bindings: [{ type: 'a.b', filters: [{ data: 'X', include: ['1', { low: '2', high: '3' }] }] }],
  active: false,
};
const WEBHOOK: View = {
  name: 'orders',
  queue: 'orders',
  state: 'active',
  url: 'https://r.example/',
  types: ['a.*'],
  contentMode: 'structured',
  secrets: [{ kind: 'v1', secret: 'whsec_•••abcd', createdAt: 'then' }],
  headers: { 'x-plain': 'v', 'x-api-key': '•••WXYZ' },
  auth: { basic: { user: 'u', password: '•••' } },
  delivery: { maxInFlight: 64, timeoutMs: 15_000 },
  handshake: { state: 'granted', origin: 'me.example', requestedRatePerMinute: 60 },
  paused: false,
};
const CLIENT: View = {
  client: 'shop',
  clientId: 'shop',
  tenant: 'local',
  namespace: 'local/mesh/dev',
  permissions: ['publish:type:a.*', 'consume:queue:orders'],
  description: 'the shop',
  disabled: false,
  version: 2,
  secrets: [{ id: '1', createdAt: 'then' }],
  keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid: 'made' }],
};
const READ = (): Promise<View> => Promise.resolve(QUEUE);

describe('what is exported', () => {
  it.each([
    ['queue', queueKind, QUEUE],
    ['channel', channelKind, CHANNEL],
    ['webhook', webhookKind, WEBHOOK],
    ['client', clientKind, CLIENT],
  ] as const)('of a %s changes nothing when it is applied', async (name, kind, view) => {
    const { wanted, present } = await exported(kind, view);
    expect(differences(present, kind.whole(wanted, present)), name).toEqual([]);
  });

  it('has no secret, and no part of one', async () => {
    const { secrets: _, ...spec } = await webhookKind.specOf(WEBHOOK, READ);
    const text = JSON.stringify(withVariables(spec, 'webhook', 'orders'));
    expect(text).not.toContain('•••');
    expect(text).not.toContain('WXYZ');
    expect(text).toContain('${WEBHOOK_ORDERS_AUTH_BASIC_PASSWORD}');
    expect(text).toContain('${WEBHOOK_ORDERS_HEADERS_X_API_KEY}');
    expect(JSON.stringify(await clientKind.specOf(CLIENT, READ))).not.toContain('secret');
  });

  it('has what is dollar and brace in it as such', async () => {
    const { wanted } = await exported(queueKind, QUEUE);
    expect(wanted['filter']).toEqual(QUEUE['filter']);
  });
});

describe('a file', () => {
  it('that says less is compared with the defaults; what cannot be changed stays', async () => {
    const present = await queueKind.specOf({ ...QUEUE, leaseMs: 60_000, order: 'none' }, READ);
    const whole = queueKind.whole({ types: ['a.*'] }, present);
    expect(whole).toMatchObject({ leaseMs: 30_000, order: 'none', retry: RETRY });
    expect(differenceLines(differences(present, whole))).toEqual([
      '- filter: [{"cel":"data.X == \\"${Y}\\""}]',
      '+ filter: []',
      '- leaseMs: 60000',
      '+ leaseMs: 30000',
    ]);
  });

  it('may change from growing delays to a list of them, and back', async () => {
    const present = await queueKind.specOf(QUEUE, READ);
    const listed = queueKind.whole({ types: ['a.*'], retry: { delaysMs: [1, 2] } }, present);
    expect(listed['retry']).toEqual({ delaysMs: [1, 2], jitter: 0.25, maxAgeMs: 86_400_000 });
    const after = await queueKind.specOf({ ...QUEUE, retry: { ...RETRY, delaysMs: [1, 2] } }, READ);
    expect(differences(after['retry'], listed['retry'])).toEqual([]);
    const back = queueKind.whole({ types: ['a.*'], retry: { attempts: 5 } }, after);
    expect(back['retry']).toEqual({ jitter: 0.25, maxAgeMs: 86_400_000, attempts: 5 });
  });

  it('that brings the secret that is there changes nothing, and another one is a change that is not shown', () => {
    const before = { auth: { basic: { password: '•••WXYZ' } }, secrets: [{ secret: 'whsec_•••abcd' }] };
    const same = {
      auth: { basic: { password: 'long-enough-WXYZ' } },
      secrets: [{ secret: 'whsec_000000000000abcd=' }],
    };
    expect(differences(before, same)).toEqual([]);
    const other = { ...same, auth: { basic: { password: 'long-enough-other' } } };
    expect(differences(before, other)).toEqual([
      { path: 'auth.basic.password', before: '(secret)', after: '(another secret)' },
    ]);
    const fresh = differences({}, other);
    expect(JSON.stringify(fresh)).not.toContain('long-enough');
    expect(JSON.stringify(fresh)).not.toContain('whsec_0');
  });

  it('has its variables filled; one that is not set keeps the secret that is there, or is named', () => {
    const spec = { auth: { basic: { user: '${WHO}', password: '${PASSWORD}' } } };
    const present = { auth: { basic: { user: 'u', password: '•••WXYZ' } } };
    const variable = (name: string): string | undefined => ({ WHO: 'me' })[name];
    expect(withoutVariables(spec, present, variable)).toEqual({ auth: { basic: { user: 'me', password: '•••WXYZ' } } });
    expect(() => withoutVariables(spec, undefined, variable)).toThrow('PASSWORD is not set, and auth.basic.password');
    expect(variableName('webhook', 'my-orders', 'auth.basic.password')).toBe('WEBHOOK_MY_ORDERS_AUTH_BASIC_PASSWORD');
  });

  it('has permissions in any order', async () => {
    const present = await clientKind.specOf(CLIENT, READ);
    const { keys, permissions } = CLIENT;
    const whole = clientKind.whole(
      { permissions: (permissions as string[]).toReversed(), description: 'the shop', keys },
      present,
    );
    expect(differences(present, whole)).toEqual([]);
  });
});

/** As `export` writes it and `apply` reads it again, with no variable set. */
async function exported(kind: Kind, view: View): Promise<{ wanted: Spec; present: Spec }> {
  const { secrets: _, ...present } = await kind.specOf(view, READ);
  const written = withVariables(present, kind.name, kind.nameOf(view));
  return { wanted: withoutVariables(written, present, () => undefined) as Spec, present };
}
