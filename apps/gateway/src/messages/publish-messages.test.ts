import { HeddleError, type MemoryEventLog, RAW_TYPE, type StoredEvent } from '@heddle/event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { callerFor } from '../identity/identity-trial.js';
import { CONTRACT_SIGNED, TrialStreams } from '../streams/streams-trial.js';
import { type IncomingMessage, MAX_MESSAGE_BYTES } from './incoming-message.js';

const OWN = 'default/heddle/s4/ce/heddle/contract/v1/Contract/Signed/v1';
const FOREIGN = 'partner/erp/one/ce/heddle/contract/v1/Contract/Signed/v1';

let trial: TrialStreams;

beforeEach(async () => {
  trial = await TrialStreams.start();
  trial.queues.add('local/orders').add('acme/orders');
});

afterEach(() => trial.close());

const raw = (address: string, more: Partial<IncomingMessage> = {}): IncomingMessage => ({
  address,
  contentType: 'text/plain',
  body: Buffer.from('hello'),
  ...more,
});

/** A contract that was signed, as its data alone. */
function signed(address: string, more: Partial<IncomingMessage> = {}): IncomingMessage {
  const { json } = trial.event(CONTRACT_SIGNED, '4711', '').data as { json: unknown };
  return { address, contentType: 'application/json', body: Buffer.from(JSON.stringify(json)), ...more };
}

async function publish(caller: ReturnType<typeof callerFor>, ...messages: IncomingMessage[]) {
  return trial.publisher.publishMessages(caller, messages);
}

async function stored(log: MemoryEventLog, topic: string): Promise<StoredEvent[]> {
  const bounds = await log.bounds(topic);
  const batches = await Promise.all(bounds.map(({ partition }) => log.fetch({ topic, partition, offset: 0 })));
  return batches.flatMap(({ events }) => events);
}

describe('a message to a topic that no event type knows', () => {
  it('is kept with its bytes and content type as they came, under its address', async () => {
    const [outcome] = await publish(callerFor(), raw('topic:a/b', { body: Buffer.from([0, 255, 1]) }));
    expect(outcome).toMatchObject({ position: { topic: 'heddle.raw' }, duplicate: false });
    const [event] = await stored(trial.eventLog, 'heddle.raw');
    expect(event).toMatchObject({
      key: 'topic:a/b',
      attributes: {
        id: (outcome as { id: string }).id,
        source: '/clients/tester',
        type: RAW_TYPE,
        address: 'topic:a/b',
        datacontenttype: 'text/plain',
      },
    });
    expect(Buffer.from(event!.value)).toEqual(Buffer.from([0, 255, 1]));
  });

  it('is in the topic of its tenant alone', async () => {
    await publish(callerFor('acme'), raw('topic:a/b'));
    expect(await stored(trial.eventLog, 'acme.heddle.raw')).toHaveLength(1);
    expect(await stored(trial.eventLog, 'heddle.raw')).toHaveLength(0);
  });

  it('keeps the attributes it came with, beside it or inside, but none that are ours to set', async () => {
    const own = { address: 'queue:orders', deadletterqueue: 'x', deadletterreason: 'y', deadletteraddress: 'z' };
    const inside = { specversion: '1.0', id: 'i', source: '/in', type: 'a.b', data: 1, partitionkey: 'K', ...own };
    const outcomes = await publish(
      callerFor(),
      raw('topic:a/b', { attributes: { id: 'e', source: '/out', type: 'c.d', colour: 'red', ...own } }),
      raw('topic:a/b', { contentType: 'application/cloudevents+json', body: Buffer.from(JSON.stringify(inside)) }),
      raw('topic:a/b', { contentType: 'application/cloudevents+json', body: Buffer.from('{"specversion":"1.0"}') }),
    );
    expect(outcomes.map((outcome) => (outcome as { id: string }).id)).toEqual(['e', 'i', expect.stringMatching(/-7/)]);
    const events = await stored(trial.eventLog, 'heddle.raw');
    const found = Object.fromEntries(events.map((event) => [event.attributes.id, event]));
    expect(found['e']!.attributes).toMatchObject({ type: 'c.d', source: '/out', colour: 'red', address: 'topic:a/b' });
    expect(found['i']).toMatchObject({
      key: 'K',
      data: 1,
      attributes: { type: 'a.b', source: '/in', address: 'topic:a/b' },
    });
    for (const { attributes } of events)
      expect(Object.keys(attributes).filter((name) => name.startsWith('dead'))).toEqual([]);
  });

  it('expires when it says so, and is known again by its id', async () => {
    const message = raw('topic:a/b', { messageId: 'm1', expiresAt: Date.parse('2030-01-01T00:00:00Z') });
    expect(await publish(callerFor(), message)).toMatchObject([{ id: 'm1', duplicate: false }]);
    expect(await publish(callerFor(), message)).toMatchObject([{ id: 'm1', duplicate: true }]);
    const [event] = await stored(trial.eventLog, 'heddle.raw');
    expect(event!.attributes).toMatchObject({ id: 'm1', expirytime: '2030-01-01T00:00:00.000Z' });
    // One event that is sent to two places stands in both.
    expect(await publish(callerFor(), { ...message, address: 'topic:a/c' })).toMatchObject([{ duplicate: false }]);
  });

  it('is known again after a restart', async () => {
    await publish(callerFor(), raw('topic:a/b', { messageId: 'm1' }));
    await trial.restart();
    trial.publisher.remember((await stored(trial.eventLog, 'heddle.raw')).map((event) => ({ stored: event })));
    expect(await publish(callerFor(), raw('topic:a/b', { messageId: 'm1' }))).toMatchObject([{ duplicate: true }]);
  });
});

describe('a message to the topic of an event type', () => {
  it.each([
    ['its data alone', () => signed(`topic:${OWN}`)],
    [
      'a whole event',
      () => {
        const data = JSON.parse(Buffer.from(signed('').body).toString()) as unknown;
        const event = { specversion: '1.0', id: 'e1', source: '/s', type: CONTRACT_SIGNED, data };
        return signed(`topic:${OWN}`, {
          contentType: 'application/cloudevents+json',
          body: Buffer.from(JSON.stringify(event)),
        });
      },
    ],
    [
      'attributes beside it',
      () => signed(`topic:${OWN}`, { attributes: { id: 'e1', source: '/s', type: CONTRACT_SIGNED } }),
    ],
  ])('is that event, checked and encoded by its schema: %s', async (_what, message) => {
    expect(await publish(callerFor(), message())).toMatchObject([
      { position: { topic: 'contract' }, duplicate: false },
    ]);
    const [event] = await stored(trial.eventLog, 'contract');
    expect(event).toMatchObject({
      key: '4711',
      attributes: { type: CONTRACT_SIGNED, datacontenttype: 'application/avro' },
    });
    expect(event!.attributes).not.toHaveProperty('namespace');
    expect(event).toHaveProperty('schemaId');
  });

  it('of another namespace keeps that one', async () => {
    await publish(callerFor(), signed(`topic:${FOREIGN}`, { attributes: { namespace: 'made/up/one' } }));
    const [event] = await stored(trial.eventLog, 'contract');
    expect(event!.attributes).toMatchObject({ type: CONTRACT_SIGNED, namespace: 'partner/erp/one' });
  });

  it('is refused where it does not fit, with what is wrong, and is nothing else then', async () => {
    const wrong = (more: Partial<IncomingMessage>) => signed(`topic:${OWN}`, more);
    const outcomes = await publish(
      callerFor(),
      wrong({ body: Buffer.from('{}') }),
      wrong({ body: Buffer.from('{') }),
      wrong({ contentType: 'text/xml' }),
      wrong({ attributes: { type: 'a.b' } }),
      signed('topic:default/heddle/s4/ce/sap/s4/beh/salesorder/v1/SalesOrder/Created/v1'),
    );
    expect(outcomes.map((outcome) => ('error' in outcome ? outcome.error.code : outcome))).toEqual([
      'data-invalid',
      'body-invalid',
      'content-type-unsupported',
      'attribute-invalid',
      'type-owned',
    ]);
    expect(await stored(trial.eventLog, 'heddle.raw')).toEqual([]);
  });

  it('that nobody knows is raw; while the registry is away nobody can say', async () => {
    const unknown = raw('topic:default/heddle/s4/ce/no/such/Type');
    expect(await publish(callerFor(), unknown)).toMatchObject([{ position: { topic: 'heddle.raw' } }]);
    vi.spyOn(trial.catalogue, 'find').mockRejectedValue(new HeddleError('registry-unavailable', 'away'));
    const [outcome] = await publish(callerFor(), raw('topic:default/heddle/s4/ce/other/Type'));
    expect(outcome).toMatchObject({ error: { code: 'registry-unavailable' } });
    expect(await stored(trial.eventLog, 'heddle.raw')).toHaveLength(1);
  });
});

describe('a message to a queue', () => {
  it('is kept as it is, for that queue', async () => {
    await publish(callerFor(), signed('queue:orders'));
    const [event] = await stored(trial.eventLog, 'heddle.raw');
    expect(event).toMatchObject({ key: 'queue:orders', attributes: { address: 'queue:orders', type: RAW_TYPE } });
  });

  it('that there is not is refused', async () => {
    expect(await publish(callerFor(), raw('queue:none'))).toMatchObject([
      { error: { code: 'not-found', status: 404 } },
    ]);
  });
});

describe('every message', () => {
  it('needs the permission for its address, and says nothing of it without', async () => {
    const caller = callerFor('local', ['publish:topic:a/*', 'publish:queue:other', `publish:type:heddle.other.*`]);
    const outcomes = await publish(
      caller,
      raw('topic:a/b'),
      raw('topic:b/a'),
      raw('queue:orders'),
      raw('queue:none'),
      signed(`topic:${OWN}`),
      raw('topic:default/heddle/s4/ce/heddle/none/Type'),
    );
    expect(outcomes.map((outcome) => ('error' in outcome ? outcome.error.message : 'accepted'))).toEqual([
      'accepted',
      'The client tester needs the permission publish:topic:b/a.',
      'The client tester needs the permission publish:queue:orders.',
      'The client tester needs the permission publish:queue:none.',
      `The client tester needs the permission publish:type:${CONTRACT_SIGNED}.`,
      'The client tester needs the permission publish:type:heddle.none.Type.',
    ]);
    const both = callerFor('local', [`publish:topic:default/*`]);
    expect(await publish(both, signed(`topic:${OWN}`))).toMatchObject([{ error: { code: 'permission-missing' } }]);
  });

  it('says that it is an event of a known type only where its publisher may publish that one', async () => {
    const attributes = { id: 'e1', source: '/s', type: CONTRACT_SIGNED };
    const inside = Buffer.from(JSON.stringify({ specversion: '1.0', ...attributes, id: 'e2' }));
    const claims = [
      raw('topic:a/b', { attributes }),
      raw('queue:orders', { attributes }),
      raw('topic:a/b', { contentType: 'application/cloudevents+json', body: inside }),
      raw('topic:a/b', { attributes: { ...attributes, type: 'no.such.Type' } }),
    ];
    const codes = async (permissions: readonly string[]): Promise<string[]> => {
      const outcomes = await publish(
        callerFor('local', ['publish:topic:a/*', 'publish:queue:*', ...permissions]),
        ...claims,
      );
      return outcomes.map((outcome) => ('error' in outcome ? outcome.error.code : 'accepted'));
    };
    expect(await codes([])).toEqual([...Array<string>(3).fill('permission-missing'), 'accepted']);
    expect(await codes([`publish:type:${CONTRACT_SIGNED}`])).toEqual(Array<string>(4).fill('accepted'));
  });

  it('is held to the limits of names and sizes, each for itself', async () => {
    const outcomes = await publish(
      callerFor(),
      raw('a/b'),
      raw('topic:one'),
      raw(`topic:${'x/'.repeat(20)}x`),
      raw('topic:a/b', { body: Buffer.alloc(MAX_MESSAGE_BYTES + 1) }),
      raw('topic:a/b', { body: Buffer.alloc(MAX_MESSAGE_BYTES) }),
      raw('topic:a/b', { contentType: 'no type' }),
      raw('topic:a/b', { expiresAt: Number.NaN }),
      raw('topic:a/b', { contentType: '', body: Buffer.alloc(0) }),
    );
    expect(outcomes.map((outcome) => ('error' in outcome ? outcome.error.code : 'accepted'))).toEqual([
      'parameter-invalid',
      'parameter-invalid',
      'parameter-invalid',
      'too-large',
      'accepted',
      'attribute-invalid',
      'parameter-invalid',
      'accepted',
    ]);
  });
});

it('streams have no raw messages, live or resumed, and their tokens say nothing of them', async () => {
  const sink = trial.open('now');
  await publish(callerFor(), raw('topic:a/b'), signed(`topic:${OWN}`, { attributes: { id: 'e1' } }));
  await vi.waitFor(() => expect(sink.ids()).toEqual(['e1']), { timeout: 10_000 });
  const again = trial.open('earliest');
  await vi.waitFor(() => expect(again.ids()).toEqual(['e1']), { timeout: 10_000 });
  expect(sink.text).not.toContain('heddle.raw');
});
