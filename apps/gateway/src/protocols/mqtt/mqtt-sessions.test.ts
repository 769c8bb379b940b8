import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { callerFor } from '../../identity/identity-trial.js';
import { SOON, type TrialClient, mqttTrial } from './mqtt-trial.js';
import { REASONS } from './reason-codes.js';
import { sessionQueue } from './session-name.js';

const here = callerFor();

const { trial, clients } = await mqttTrial();

function fresh(): { topic: string; clientId: string } {
  const id = randomUUID();
  return { topic: `test/${id}/t`, clientId: `client-${id}` };
}

/** A session that outlives its connection. */
const KEPT = { 4: { clean: false }, 5: { clean: false, properties: { sessionExpiryInterval: 300 } } } as const;

async function publisher(): Promise<TrialClient> {
  return clients.connected(5);
}

async function statistics(queue: string): Promise<Record<string, number>> {
  const { json } = await trial.ask(here, 'GET', `/v1/queues/${encodeURIComponent(queue)}`);
  return json['statistics'] as Record<string, number>;
}

describe.each([4, 5] as const)('a session of MQTT version %i', (version) => {
  it('says that it is there, and gives what came meanwhile, in its order', async () => {
    const { topic, clientId } = fresh();
    const before = await clients.open(version);
    expect(await before.connect({ clientId, ...KEPT[version] })).toMatchObject({ sessionPresent: false });
    await before.subscribe(topic);
    before.leave();
    await before.closed();
    const brings = await publisher();
    for (let n = 0; n < 5; n += 1) await brings.published(topic, `m${n}`);
    const after = await clients.open(version);
    expect(await after.connect({ clientId, ...KEPT[version] })).toMatchObject({ sessionPresent: true });
    await vi.waitFor(() => expect(after.payloads).toEqual(['m0', 'm1', 'm2', 'm3', 'm4']), SOON);
    expect(after.deliveries.every(({ dup }) => !dup)).toBe(true);
  });

  it('comes again with what was not acknowledged: the same ids in the same order, as repeats, before what is new', async () => {
    const { topic, clientId } = fresh();
    const before = await clients.connected(version, { clientId, ...KEPT[version] });
    await before.subscribe(topic);
    const brings = await publisher();
    for (let n = 0; n < 4; n += 1) await brings.published(topic, `m${n}`);
    await vi.waitFor(() => expect(before.deliveries).toHaveLength(4), SOON);
    before.acknowledge(before.deliveries[1]!);
    before.say({ cmd: 'pingreq' });
    await before.next('pingresp');
    const ids = before.deliveries.map(({ messageId }) => messageId);
    before.cut();
    await brings.published(topic, 'new');
    const after = await clients.open(version);
    expect(await after.connect({ clientId, ...KEPT[version] })).toMatchObject({ sessionPresent: true });
    await vi.waitFor(() => expect(after.payloads).toEqual(['m0', 'm2', 'm3', 'new']), SOON);
    expect(after.deliveries.map(({ messageId }) => messageId).slice(0, 3)).toEqual([ids[0], ids[2], ids[3]]);
    expect(after.deliveries.slice(0, 3).map(({ dup }) => dup)).toEqual([true, true, true]);
    for (const delivery of after.deliveries) after.acknowledge(delivery);
    await vi.waitFor(
      async () => expect(await statistics(sessionQueue(here.client, clientId))).toMatchObject({ leased: 0, ready: 0 }),
      SOON,
    );
    after.leave();
    await after.closed();
    const last = await clients.open(version);
    await last.connect({ clientId, ...KEPT[version] });
    await brings.published(topic, 'last');
    expect((await last.next('publish')).payload.toString()).toBe('last');
  });

  it('is begun anew by who wants a clean one, and is gone with its queue', async () => {
    const { topic, clientId } = fresh();
    const before = await clients.connected(version, { clientId, ...KEPT[version] });
    await before.subscribe(topic);
    before.leave();
    await before.closed();
    const brings = await publisher();
    await brings.published(topic, 'for nobody');
    const after = await clients.open(version);
    expect(await after.connect({ clientId, clean: true })).toMatchObject({ sessionPresent: false });
    await after.subscribe(topic);
    await brings.published(topic, 'first');
    expect((await after.next('publish')).payload.toString()).toBe('first');
    after.leave();
    await vi.waitFor(
      async () =>
        expect(
          await trial.ask(here, 'GET', `/v1/queues/${encodeURIComponent(sessionQueue(here.client, clientId))}`),
        ).toMatchObject({
          status: 404,
        }),
      SOON,
    );
  });

  it('goes to the newer connection of its client id, and loses nothing by that', async () => {
    const { topic, clientId } = fresh();
    const older = await clients.connected(version, { clientId, ...KEPT[version] });
    await older.subscribe(topic);
    const brings = await publisher();
    await brings.published(topic, 'one');
    const delivery = await older.next('publish');
    const newer = await clients.open(version);
    expect(await newer.connect({ clientId, ...KEPT[version] })).toMatchObject({ sessionPresent: true });
    await older.closed();
    if (version === 5) expect(older.packets.at(-1)).toMatchObject({ reasonCode: REASONS.sessionTakenOver });
    await brings.published(topic, 'two');
    await vi.waitFor(() => expect(newer.payloads).toEqual(['one', 'two']), SOON);
    expect(newer.deliveries[0]).toMatchObject({ messageId: delivery.messageId, dup: true });
  });

  it('of the same client id in another tenant, or of another client, is another one', async () => {
    const { topic, clientId } = fresh();
    const one = await clients.connected(version, { clientId });
    await one.subscribe(topic);
    const others = [callerFor('acme'), callerFor('local', ['*'], 'another')];
    for (const caller of others) {
      const other = await clients.open(version, caller);
      expect(await other.connect({ clientId, clean: version === 4 })).toMatchObject({ sessionPresent: false });
    }
    const brings = await publisher();
    await brings.published(topic, 'still here');
    expect((await one.next('publish')).payload.toString()).toBe('still here');
  });

  it('of a tenant sees nothing of another one, whatever it subscribes to', async () => {
    const { topic } = fresh();
    const stranger = await clients.connected(version, {}, callerFor('acme'));
    expect(await stranger.subscribe('#', { rh: 2 })).toEqual([1]);
    await (await publisher()).published(topic, 'canary');
    const own = await clients.connected(5, {}, callerFor('acme'));
    await own.published(topic, 'own');
    await vi.waitFor(() => expect(stranger.payloads).toContain('own'), SOON);
    expect(stranger.payloads).not.toContain('canary');
  });

  it('a group that shares a subscription gets each message once, also when one of them is lost', async () => {
    const { topic } = fresh();
    const members = [await clients.connected(version), await clients.connected(version)];
    for (const member of members) expect(await member.subscribe(`$share/workers/${topic}`)).toEqual([1]);
    const brings = await publisher();
    const sent = Array.from({ length: 40 }, (_, n) => `m${n}`);
    // Neither is so fast that nothing is left for the other.
    for (const payload of sent) await brings.published(topic, payload);
    const [one, other] = members as [TrialClient, TrialClient];
    await vi.waitFor(() => expect(one.deliveries.length + other.deliveries.length).toBe(40), SOON);
    expect(one.deliveries.length).toBeGreaterThan(0);
    expect(other.deliveries.length).toBeGreaterThan(0);
    expect([...one.payloads, ...other.payloads].toSorted()).toEqual(sent.toSorted());
    for (const delivery of one.deliveries) one.acknowledge(delivery);
    const had = other.payloads;
    other.cut();
    await vi.waitFor(
      () => expect(one.payloads.filter((payload) => had.includes(payload))).toHaveLength(had.length),
      SOON,
    );
  });

  it('takes part in a queue that it names, and what it refuses is a dead letter with the reason', async () => {
    const queue = `q-${randomUUID()}`;
    await trial.ask(here, 'PUT', `/v1/queues/${queue}`, { topicPatterns: [], retry: { firstMs: 20, capMs: 20 } });
    const receiver = await clients.connected(version);
    expect(await receiver.subscribe(`queue:${queue}`)).toEqual([1]);
    const brings = await publisher();
    await brings.published(`queue:${queue}`, 'work');
    const delivery = await receiver.next('publish');
    expect(delivery).toMatchObject({ topic: `queue:${queue}`, payload: Buffer.from('work') });
    if (version === 4) {
      receiver.acknowledge(delivery);
      await vi.waitFor(async () => expect(await statistics(queue)).toMatchObject({ leased: 0, ready: 0 }), SOON);
      return;
    }
    receiver.acknowledge(delivery, REASONS.quotaExceeded, 'too busy');
    const again = await receiver.next('publish');
    expect(again).toMatchObject({ dup: true, properties: { userProperties: { 'heddle-attempt': '2' } } });
    receiver.acknowledge(again, REASONS.payloadFormatInvalid, 'no such order');
    await vi.waitFor(async () => {
      const { json } = await trial.ask(here, 'GET', `/v1/dead-letters?queue=${queue}`);
      expect(json['deadLetters']).toMatchObject([{ code: 'rejected', reason: 'no such order', attempts: 2 }]);
    }, SOON);
  });
});

describe('what ends a session, and with what', () => {
  it('its time, and then its queue is gone', async () => {
    const { topic, clientId } = fresh();
    const client = await clients.connected(5, { clientId, clean: false, properties: { sessionExpiryInterval: 1 } });
    await client.subscribe(topic);
    client.cut();
    await vi.waitFor(
      async () =>
        expect(
          (await trial.ask(here, 'GET', `/v1/queues/${encodeURIComponent(sessionQueue(here.client, clientId))}`))
            .status,
        ).toBe(404),
      SOON,
    );
    const again = await clients.open(5);
    expect(await again.connect({ clientId, clean: false })).toMatchObject({ sessionPresent: false });
  });

  it('a client may shorten the time when it leaves, and not ask for one that it did not want before', async () => {
    const { clientId } = fresh();
    const client = await clients.connected(5, { clientId, clean: false, properties: { sessionExpiryInterval: 300 } });
    client.say({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
    await client.closed();
    const again = await clients.open(5);
    expect(await again.connect({ clientId, clean: false })).toMatchObject({ sessionPresent: false });
    again.say({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 10 } });
    expect(await again.next('disconnect')).toMatchObject({ reasonCode: REASONS.protocolError });
  });

  it('the will of a client that is lost is published, after its delay, and not of one that leaves or comes back', async () => {
    const { topic, clientId } = fresh();
    const watches = await clients.connected(5);
    await watches.subscribe(topic.replace(/\/t$/, '/#'));
    const willOf = (name: string, willDelayInterval = 0) => ({
      will: {
        topic: topic.replace(/\/t$/, `/${name}`),
        payload: Buffer.from(name),
        qos: 1 as const,
        retain: false,
        properties: { willDelayInterval },
      },
    });
    const kept = { clean: false, properties: { sessionExpiryInterval: 300 } };
    const leaves = await clients.connected(5, willOf('leaves'));
    leaves.leave();
    await leaves.closed();
    const returns = await clients.connected(5, { clientId, ...kept, ...willOf('returns', 2) });
    returns.cut();
    await clients.connected(5, { clientId, ...kept });
    (await clients.connected(5, { ...willOf('later', 1), ...kept, clientId: `${clientId}-2` })).cut();
    (await clients.connected(5, willOf('lost'))).cut();
    await vi.waitFor(() => expect(watches.payloads).toEqual(['lost', 'later']), SOON);
    const asks = await clients.connected(5, willOf('asks'));
    asks.say({ cmd: 'disconnect', reasonCode: 4 });
    await vi.waitFor(() => expect(watches.payloads).toEqual(['lost', 'later', 'asks']), SOON);
  });

  it('the rights of its client are taken: the connection is told so', async () => {
    const caller = callerFor('local', ['*'], `taken-${randomUUID()}`);
    const client = await clients.connected(5, {}, caller);
    trial.guard.revoke(caller);
    expect(await client.next('disconnect')).toMatchObject({ reasonCode: REASONS.notAuthorized });
    await client.closed();
  });

  it('its queue is deleted: the connection is told so', async () => {
    const { topic, clientId } = fresh();
    const client = await clients.connected(5, { clientId });
    await client.subscribe(topic);
    await trial.ask(here, 'DELETE', `/v1/queues/${encodeURIComponent(sessionQueue(here.client, clientId))}`);
    expect(await client.next('disconnect')).toMatchObject({ reasonCode: REASONS.administrativeAction });
  });

  it('more subscriptions than it may have are refused, those before stay', async () => {
    const { topic } = fresh();
    const client = await clients.connected(5);
    const many = Array.from({ length: 101 }, (_, n) => ({ topic: `${topic}/${n}`, qos: 0 as const }));
    client.say({ cmd: 'subscribe', messageId: 1, subscriptions: many });
    const { granted } = await client.next('suback');
    expect(granted).toEqual([...Array<number>(100).fill(0), REASONS.quotaExceeded]);
    client.say({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [`${topic}/0`, `${topic}/0`] });
    expect(await client.next('unsuback')).toMatchObject({ granted: [0, REASONS.noSubscriptionExisted] });
    expect(await client.subscribe(`${topic}/0`)).toEqual([1]);
  });
});
