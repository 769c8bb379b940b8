import { describe, expect, it } from 'vitest';
import { compileFilter } from '../filters/filters.js';
import { webhookShape } from '../protocols/webhook/webhook.shape.js';
import type { WebhookView } from '../protocols/webhook/webhook-view.js';
import { authOf, shownSecurity, statusOf, webhookOfEvents, webhookOfMessaging } from './subscription-mapping.js';
import { type SecuritySchema, eventsSubscriptionShape, messagingSubscriptionShape } from './subscription.shape.js';

const NAMESPACE = 'default/heddle/s4';
const PUSH = { type: 'webhook', endpoint: 'https://shop.test/in' };

describe('a subscription of a queue', () => {
  it('is a webhook that hands messages on as they are', () => {
    const asked = { name: 'hook', address: 'queue:a/b', qos: 0, pushConfig: { ...PUSH, exemptHandshake: true } };
    const webhook = webhookOfMessaging(messagingSubscriptionShape.parse(asked), 'mesh.test');
    expect(webhookShape.parse(webhook)).toMatchObject({
      url: PUSH.endpoint,
      queue: 'a/b',
      contentMode: 'raw',
      handshake: 'exempt',
      delivery: { atMostOnce: true },
    });
  });

  it('asks for consent unless it is exempt, at least once unless it says otherwise', () => {
    const asked = { name: 'hook', address: 'queue:a/b', pushConfig: PUSH };
    const webhook = webhookOfMessaging(messagingSubscriptionShape.parse(asked), 'mesh.test');
    expect(webhook).toMatchObject({ handshake: { origin: 'mesh.test' }, delivery: { atMostOnce: false } });
  });

  it.each([
    [{ address: 'topic:a/b' }, 'address'],
    [{ qos: 2 }, 'qos'],
    [{ pushConfig: {} }, 'pushConfig.endpoint'],
    [{ name: '' }, 'name'],
  ])('with %j is refused', (change, field) => {
    const read = messagingSubscriptionShape.safeParse({ name: 'h', address: 'queue:a', pushConfig: PUSH, ...change });
    expect(read.error?.issues[0]?.path.join('.')).toBe(field);
  });
});

describe('a subscription of events', () => {
  const ofEvents = (events: object[]) =>
    webhookOfEvents(eventsSubscriptionShape.parse({ name: 'h', events, webhookUrl: PUSH.endpoint }), 'm', NAMESPACE);

  it('wants its types, and their topics where nobody has registered them', () => {
    expect(ofEvents([{ type: 'a.b.C' }, { type: 'a.b.*' }, { type: '*' }])).toMatchObject({
      types: ['a.b.C', 'a.b.*', '*'],
      topicPatterns: [`${NAMESPACE}/ce/a/b/C`, `${NAMESPACE}/ce/a/b/*`, `${NAMESPACE}/ce/*`],
      filter: [],
    });
  });

  it('wants each type from its source', () => {
    const { filter } = ofEvents([
      { type: 'a.b', source: '/one' },
      { type: 'c.*', source: '/two' },
      { type: 'd', source: '*' },
    ]);
    const compiled = compileFilter(filter!);
    const wants = (type: string, source: string): boolean =>
      compiled.matches({ attributes: { id: '1', type, source }, data: {} } as never);
    expect([wants('a.b', '/one'), wants('a.b', '/two'), wants('c.x', '/two'), wants('d', '/any')]).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });
});

const SECRETS: SecuritySchema[] = [
  {
    type: 'oauth2',
    grantType: 'client_credentials',
    clientId: 'c',
    clientSecret: 'hidden',
    tokenUrl: 'https://t.test/',
  },
  {
    type: 'oauth2',
    grantType: 'client_credentials',
    clientId: 'c',
    certificate: 'public',
    key: 'hidden',
    tokenUrl: 'https://t.test/',
  },
  { type: 'basic', user: 'u', password: 'hidden' },
  { type: 'apiKey', header: 'x-key', value: 'hidden' },
  { type: 'certificate', certificate: 'public', key: 'hidden' },
];

it.each(SECRETS)('credentials are used whole, and shown without their secret: $type', (security) => {
  expect(JSON.stringify(authOf(security))).toContain('hidden');
  expect(JSON.stringify(shownSecurity(security))).not.toContain('hidden');
  expect(shownSecurity(security)).toMatchObject({ type: security.type });
});

const NOT_AGREED = 'the endpoint has not agreed to be delivered to';

it.each([
  ['active', { state: 'exempt' }, 'Exempted', 'Active', undefined],
  ['active', { state: 'granted' }, 'Completed', 'Active', undefined],
  ['no-consent', { state: 'asking' }, 'Requested', 'Active', NOT_AGREED],
  [
    'no-consent',
    { state: 'asking', reason: 'connect ECONNREFUSED' },
    'Requested',
    'Active',
    `${NOT_AGREED}: connect ECONNREFUSED`,
  ],
  [
    'no-consent',
    { state: 'pending' },
    'Failed',
    'Active',
    `${NOT_AGREED}: its answer to OPTIONS had no WebHook-Allowed-Origin`,
  ],
  [
    'no-consent',
    { state: 'refused', reason: 'it allows x only' },
    'Failed',
    'Active',
    `${NOT_AGREED}: it allows x only`,
  ],
  ['no-consent', { state: 'expired' }, 'Failed', 'Active', NOT_AGREED],
  ['paused', { state: 'pending' }, 'Failed', 'Paused', 'paused by hand'],
  ['paused', { state: 'granted' }, 'Completed', 'Paused', 'paused by hand'],
] as const)(
  'a webhook that is %s with consent %j is shown as %s and %s',
  (state, handshake, status, subscription, reason) => {
    expect(statusOf({ state, handshake } as WebhookView)).toEqual({
      handshakeStatus: status,
      subscriptionStatus: subscription,
      ...(reason === undefined ? {} : { subscriptionStatusReason: reason }),
    });
  },
);
