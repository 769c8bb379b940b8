import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { callerFor } from '../../identity/identity-trial.js';
import { TrialClient, mqttTrial } from './mqtt-trial.js';
import { REASONS } from './reason-codes.js';

const port = await freePort();
const { trial, clients } = await mqttTrial({ HEDDLE_MQTT_PORT: String(port) });

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}

async function overTcp(version: 4 | 5): Promise<TrialClient> {
  return clients.add(await TrialClient.overTcp(port, version));
}

describe.each([4, 5] as const)('over TCP with MQTT version %i', (version) => {
  it('a client comes in with its id and secret, or with a token as the password', async () => {
    const { json } = await trial.ask(callerFor(), 'PUT', `/v1/clients/device-${version}`, {
      permissions: ['publish:topic:*', 'consume:topic:*'],
    });
    const { clientId, clientSecret } = json as { clientId: string; clientSecret: string };
    const byToken = { username: 'anybody', password: Buffer.from(trial.guard.tokenFor(callerFor())) };
    const bySecret = { username: clientId, password: Buffer.from(clientSecret) };
    for (const given of [bySecret, byToken]) {
      const client = await overTcp(version);
      expect(await client.connect(given)).toMatchObject(version === 4 ? { returnCode: 0 } : { reasonCode: 0 });
      expect(await client.subscribe(`test/${version}/#`)).toEqual([1]);
      await client.published(`test/${version}/t`, 'hello');
      client.acknowledge(await client.next('publish'));
    }
  });

  it('whoever says nothing of itself, or something wrong, is told no and let go', async () => {
    const wrong = [
      {},
      { username: 'nobody', password: Buffer.from('wrong') },
      { username: 'x', password: Buffer.from('a.b.c') },
    ];
    for (const given of wrong) {
      const client = await overTcp(version);
      expect(await client.connect(given)).toMatchObject(
        version === 4 ? { returnCode: 4 } : { reasonCode: REASONS.badCredentials },
      );
      await client.closed();
    }
  });
});

describe('what CONNECT is refused for', () => {
  it('a client id that is missing for a session that is to be kept', async () => {
    const client = await clients.open(4);
    client.bytes(Buffer.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0, 0, 10, 0, 0]));
    expect(await client.next('connack')).toMatchObject({ returnCode: 2 });
    await client.closed();
    const given = await clients.open(5);
    const { properties } = await given.connect();
    expect(properties!.assignedClientIdentifier).toMatch(/^auto-/);
  });

  it('another version, another packet, a way to authenticate that is not here, a second CONNECT', async () => {
    const old = await clients.open(4);
    old.bytes(Buffer.from([0x10, 14, 0, 6, 0x4d, 0x51, 0x49, 0x73, 0x64, 0x70, 3, 2, 0, 10, 0, 0]));
    expect(await old.next('connack')).toMatchObject({ returnCode: 1 });
    await old.closed();
    const early = await clients.open(4);
    early.say({ cmd: 'pingreq' });
    await early.closed();
    const scram = await clients.open(5);
    const properties = { authenticationMethod: 'SCRAM-SHA-256', authenticationData: Buffer.from('x') };
    expect(await scram.connect({ properties })).toMatchObject({ reasonCode: REASONS.badAuthenticationMethod });
    const twice = await clients.open(5);
    await twice.connect();
    twice.say({ cmd: 'connect', clientId: '', protocolVersion: 5, protocolId: 'MQTT', clean: true });
    expect(await twice.next('disconnect')).toMatchObject({ reasonCode: REASONS.protocolError });
  });
});

it('what a server takes of a client at once, it says, and holds it to', async () => {
  const client = await clients.open(5);
  const { properties } = await client.connect();
  expect(properties).toMatchObject({ receiveMaximum: 1000, maximumPacketSize: 1_048_576, topicAliasMaximum: 64 });
  const publish = { cmd: 'publish', topic: 'test/many/t', payload: 'x', qos: 1, dup: false, retain: false } as const;
  client.sayAll(Array.from({ length: 1001 }, (_, n) => ({ ...publish, messageId: n + 1 })));
  const { reasonCode } = await client.next('disconnect');
  expect(reasonCode).toBe(REASONS.receiveMaximumExceeded);
});
