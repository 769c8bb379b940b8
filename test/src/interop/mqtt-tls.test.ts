import { once } from 'node:events';
import { connect } from 'node:net';
import { freePorts } from '@heddle/infra';
import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { GatewayTrial } from '../../../apps/gateway/src/gateway-trial.js';
import { callerFor } from '../../../apps/gateway/src/identity/identity-trial.js';
import { identity } from '../../../apps/gateway/src/protocols/webhook/certificate-trial.js';

const SOON = { timeout: 10_000 };
const own = identity('gateway');
const foreign = identity('somebody else');

let trial: GatewayTrial;
let port: number;
const open: MqttClient[] = [];

beforeAll(async () => {
  [port = 0] = await freePorts(1);
  trial = await GatewayTrial.start({
    HEDDLE_TLS: 'own',
    HEDDLE_TLS_CERT: own.certificate,
    HEDDLE_TLS_KEY: own.privateKey,
    HEDDLE_MQTT_TLS_PORT: String(port),
  });
});
afterEach(async () => {
  for (const client of open.splice(0)) await client.endAsync(true);
});
afterAll(() => trial.stop());

/** A client that checks whose certificate it is shown. */
function connectWith(ca: string, protocolVersion: 4 | 5): MqttClient {
  const client = mqtt.connect(`mqtts://127.0.0.1:${port}`, {
    protocolVersion,
    ca,
    reconnectPeriod: 0,
    username: 'token',
    password: trial.guard.tokenFor(callerFor()),
  });
  open.push(client);
  return client;
}

function connected(client: MqttClient): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
  });
}

describe.each([4, 5] as const)('the TLS port of MQTT, version %i', (version) => {
  it('shows the certificate of the gateway to a client that checks it, and is MQTT as everywhere', async () => {
    const client = connectWith(own.certificate, version);
    await connected(client);
    const received: string[] = [];
    client.on('message', (_topic, payload) => received.push(payload.toString()));
    await client.subscribeAsync(`tls/${version}/#`, { qos: 1 });
    await client.publishAsync(`tls/${version}/t`, 'under TLS', { qos: 1 });
    await vi.waitFor(() => expect(received).toEqual(['under TLS']), SOON);
  });

  it('is not believed by a client that trusts somebody else', async () => {
    const client = connectWith(foreign.certificate, version);
    await expect(connected(client)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  });
});

it('who speaks without TLS is let go, and holds up nobody', async () => {
  const plain = connect(port, '127.0.0.1');
  plain.on('error', () => undefined);
  const isGone = once(plain, 'close');
  plain.write(Buffer.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 10, 0, 0]));
  plain.resume();
  await isGone;
  await expect(connected(connectWith(own.certificate, 5))).resolves.toBeUndefined();
});
