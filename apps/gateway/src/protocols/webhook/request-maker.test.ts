import { RAW_TOPIC, RAW_TYPE, type StoredEvent } from '@heddle/event';
import { Webhook } from 'standardwebhooks';
import { expect, it } from 'vitest';
import { Namespaces } from '../../messages/namespaces.js';
import { loopbackNetwork } from '../../network/network-trial.js';
import type { Lease } from '../../queues/lease.js';
import { DispatchedEvent, ObjectState } from '../../represent.js';
import { type MadeRequest, RequestMaker } from './request-maker.js';
import { newSecret } from './secrets.js';
import type { WebhookDefinition } from './webhook.js';

const PARTS = { network: loopbackNetwork(), namespaces: new Namespaces('default/heddle/s4') };

const SECRET = newSecret();
const DEFINITION: WebhookDefinition = {
  format: 1,
  tenant: 'local',
  name: 'hook',
  queue: 'hook',
  ownsQueue: true,
  version: 1,
  url: 'https://receiver.test/in?from=heddle',
  contentMode: 'structured',
  secrets: [{ secret: SECRET, createdAt: 'then' }],
  headers: {},
  auth: {},
  delivery: { maxInFlight: 64, timeoutMs: 15_000 },
  handshake: 'exempt',
  consent: { state: 'exempt' },
  paused: false,
  createdAt: 'then',
  updatedAt: 'then',
};

it('a structured delivery is one CloudEvent, verified by the reference library from its headers', () => {
  const request = new RequestMaker(DEFINITION, PARTS).make([lease('e1')]);
  const headers = headersOf(request);
  expect(request.path).toBe('/in?from=heddle');
  expect(headers).toMatchObject({
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'webhook-id': 'e1',
    'heddle-webhook': 'hook',
    'heddle-attempt': '1',
    'heddle-redelivery': 'no',
  });
  expect(headers).not.toHaveProperty('heddle-test');
  expect(headers).not.toHaveProperty('heddle-cycle');
  expect(new Webhook(SECRET).verify(request.body, headers)).toMatchObject({
    specversion: '1.0',
    id: 'e1',
    data: { text: 'ä' },
  });
});

it('a binary delivery is the data, with the attributes as headers', () => {
  const request = new RequestMaker({ ...DEFINITION, contentMode: 'binary' }, PARTS).make([lease('e1')]);
  const headers = headersOf(request);
  expect(headers).toMatchObject({ 'ce-id': 'e1', 'ce-type': 'a.b', 'content-type': 'application/json' });
  expect(new Webhook(SECRET).verify(request.body, headers)).toEqual({ text: 'ä' });
});

it('a batch is an array in order, and the same events make the same body and id at every attempt', () => {
  const maker = new RequestMaker(
    {
      ...DEFINITION,
      delivery: { ...DEFINITION.delivery, batch: { size: 3, waitMs: 5 } },
    },
    PARTS,
  );
  const leases = [lease('e1'), lease('e2.x'), lease('e3')];
  const [one, two] = [maker.make(leases), maker.make(leases.map((each) => ({ ...each, attempt: 2 })))];
  const headers = headersOf(one);
  expect(headers['content-type']).toBe('application/cloudevents-batch+json; charset=utf-8');
  expect(headers['webhook-id']).toMatch(/^batch_[A-Za-z0-9_-]+$/);
  const events = new Webhook(SECRET).verify(one.body, headers) as { id: string }[];
  expect(events.map(({ id }) => id)).toEqual(['e1', 'e2.x', 'e3']);
  expect(two.body.equals(one.body)).toBe(true);
  expect(headersOf(two)['webhook-id']).toBe(headers['webhook-id']);
  expect(headersOf(maker.make(leases.slice(0, 2)))['webhook-id']).not.toBe(headers['webhook-id']);
  expect(new Webhook(SECRET).verify(maker.make([lease('e1')]).body, headersOf(maker.make([lease('e1')])))).toHaveLength(
    1,
  );
});

it('the state of an object goes with its event as extension attributes, in the signed body, alone and in a batch', () => {
  const state = new ObjectState(7, '{"SalesOrder":"4711","text":"ä \\"quoted\\""}');
  const structured = new RequestMaker(DEFINITION, PARTS);
  const request = structured.make([{ ...lease('e1'), state }]);
  const event = new Webhook(SECRET).verify(request.body, headersOf(request)) as Record<string, unknown>;
  expect(event).toMatchObject({ id: 'e1', data: { text: 'ä' }, stateversion: '7' });
  expect(JSON.parse(event.state as string)).toEqual({ SalesOrder: '4711', text: 'ä "quoted"' });
  const batches = new RequestMaker(
    {
      ...DEFINITION,
      delivery: { ...DEFINITION.delivery, batch: { size: 3, waitMs: 5 } },
    },
    PARTS,
  );
  const deleted = new ObjectState(8, undefined);
  const batch = batches.make([
    { ...lease('e1'), state },
    { ...lease('e2'), state: deleted },
    { ...lease('e3'), state: null },
  ]);
  const [first, second, third] = JSON.parse(batch.body.toString()) as Record<string, unknown>[];
  expect(first).toEqual(event);
  expect(second).toMatchObject({ id: 'e2', stateversion: '8', stategone: true });
  expect(second).not.toHaveProperty('state');
  expect(Object.keys(third!).filter((name) => name.startsWith('state'))).toEqual([]);
});

it('a batch says the most attempts and the surest redelivery of what is in it', () => {
  const maker = new RequestMaker(
    {
      ...DEFINITION,
      delivery: { ...DEFINITION.delivery, batch: { size: 3, waitMs: 5 } },
    },
    PARTS,
  );
  const said = (redeliveries: Lease['redelivery'][]): string | undefined =>
    headersOf(maker.make(redeliveries.map((redelivery, n) => ({ ...lease(`e${n}`), redelivery }))))[
      'heddle-redelivery'
    ];
  expect([said(['no', 'no']), said(['no', 'maybe']), said(['maybe', 'yes', 'no'])]).toEqual(['no', 'maybe', 'yes']);
  const attempts = headersOf(maker.make([lease('a'), { ...lease('b'), attempt: 7 }, lease('c')]));
  expect(attempts['heddle-attempt']).toBe('7');
});

it('replays, tests and the origin of a handshake are marked in the headers', () => {
  const maker = new RequestMaker(
    {
      ...DEFINITION,
      handshake: { origin: 'events.example.com' },
      consent: { state: 'granted', at: 'then', token: 't' },
    },
    PARTS,
  );
  expect(headersOf(maker.make([{ ...lease('e1'), cycle: 'replay-1' }], true))).toMatchObject({
    'heddle-cycle': 'replay-1',
    'heddle-test': 'true',
    'webhook-request-origin': 'events.example.com',
  });
});

it('all requests of a definition share one template, which with the variable headers says all but credentials', () => {
  const maker = new RequestMaker(
    {
      ...DEFINITION,
      headers: { 'X-Team': 'sales', 'X-Auth-Token': 'token-of-the-team-9876' },
      auth: { basic: { user: 'heddle', password: 'correct horse battery' } },
    },
    PARTS,
  );
  const [one, two] = [maker.make([lease('e1')]), maker.make([lease('e2')])];
  expect(one.template).toBe(two.template);
  expect(headersOf(one)).toMatchObject({
    'x-team': 'sales',
    'x-auth-token': 'token-of-the-team-9876',
    authorization: `Basic ${Buffer.from('heddle:correct horse battery').toString('base64')}`,
  });
  const kept = [...one.template.headers, ...one.variable];
  expect(Object.keys(pairsOf(kept)).toSorted()).toEqual(Object.keys(headersOf(one)).toSorted());
  expect(pairsOf(kept)).toMatchObject({
    'x-team': 'sales',
    'x-auth-token': '•••9876',
    authorization: 'Basic •••',
    'webhook-signature': headersOf(one)['webhook-signature'],
  });
});

it('an API key goes in the header it was given for, and is masked where the request is kept', () => {
  const request = new RequestMaker(
    {
      ...DEFINITION,
      auth: { apiKey: { header: 'X-Api-Key', value: 'key-0123456789' } },
    },
    PARTS,
  ).make([lease('e1')]);
  expect(headersOf(request)['x-api-key']).toBe('key-0123456789');
  expect(pairsOf(request.template.headers)['x-api-key']).toBe('•••6789');
});

it('a raw delivery is the message as it was published, with its address, and a content type in any case', () => {
  const raw = { ...DEFINITION, contentMode: 'raw' } as const;
  const bytes = Buffer.from([0, 255, 1]);
  const published = (contentType?: string): Lease =>
    lease('m1', {
      topic: RAW_TOPIC,
      value: bytes,
      data: bytes,
      attributes: {
        ...{ id: 'm1', source: '/clients/shop', type: RAW_TYPE, address: 'topic:a/b' },
        ...(contentType === undefined ? {} : { datacontenttype: contentType }),
      },
    });
  const request = new RequestMaker(raw, PARTS).make([published('image/png')]);
  expect(request.body).toEqual(bytes);
  expect(headersOf(request)).toMatchObject({
    'content-type': 'image/png',
    'x-address': 'topic:a/b',
    'heddle-attempt': '1',
  });
  expect(headersOf(new RequestMaker(raw, PARTS).make([published()]))['content-type']).toBe('application/json');
  const other = new RequestMaker({ ...raw, defaultContentType: 'text/plain' }, PARTS).make([published()]);
  expect(headersOf(other)['content-type']).toBe('text/plain');
});

it('a raw delivery of an event is that event as JSON, at the topic of its type', () => {
  const request = new RequestMaker({ ...DEFINITION, contentMode: 'raw' }, PARTS).make([lease('e1')]);
  expect(JSON.parse(request.body.toString())).toMatchObject({
    specversion: '1.0',
    id: 'e1',
    type: 'a.b',
    data: { text: 'ä' },
  });
  const headers = headersOf(request);
  expect(headers['content-type']).toMatch(/^application\/cloudevents\+json/);
  expect(headers['x-address']).toBe('topic:default/heddle/s4/ce/a/b');
});

function lease(id: string, different: Partial<StoredEvent> = {}): Lease {
  const stored: StoredEvent = {
    topic: 'things',
    partition: 0,
    offset: 0,
    key: 'K',
    appendedAt: 0,
    value: new Uint8Array(0),
    data: { text: 'ä' },
    attributes: { id, source: '/test', type: 'a.b', subject: 'K' },
    ...different,
  };
  const event = new DispatchedEvent(stored, 0, '', 'https://gateway.test');
  return { event, lane: 'K', attempt: 1, redelivery: 'no', cycle: '' };
}

function headersOf({ headers }: MadeRequest): Record<string, string> {
  return pairsOf(headers);
}

function pairsOf(list: readonly string[]): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at]!.toLowerCase();
    expect(pairs, `${name} stands once`).not.toHaveProperty(name);
    pairs[name] = list[at + 1]!;
  }
  return pairs;
}
