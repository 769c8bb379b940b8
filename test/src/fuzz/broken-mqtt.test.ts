import { Duplex } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Caller, Permissions } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { createLog } from '@heddle/runtime';
import { type Packet, generate } from 'mqtt-packet';
import { expect, it } from 'vitest';
import { Limits } from '../../../apps/gateway/src/limits/limits.js';
import { Namespaces } from '../../../apps/gateway/src/messages/namespaces.js';
import type { ConnectionHome } from '../../../apps/gateway/src/protocols/mqtt/connection-home.js';
import { MqttConnection } from '../../../apps/gateway/src/protocols/mqtt/mqtt.connection.js';
import { MQTT_VALUES } from '../../../apps/gateway/src/protocols/mqtt/mqtt.settings.js';
import { MqttSession } from '../../../apps/gateway/src/protocols/mqtt/session.js';
import type { Wire } from '../../../apps/gateway/src/protocols/wire.js';
import { Session } from '../../../apps/gateway/src/protocols/sessions.js';
import { Chance } from '../support/chance.js';
import { usedMs } from '../support/used-time.js';
import { Mutations } from './mutations.js';

/** In all; `npm run fuzz` asks for more. */
const FRAMES = Number(process.env['HEDDLE_FUZZ_FRAMES'] ?? 20_000);
const IN_A_CONNECTION = 4;
/** What one may take of a processor; the clock would tell of what else the machine does. */
const MOST_MS = 500;
const MOST_GROWTH = 20 * 1024 * 1024;

const chance = Chance.of('broken packets of MQTT');
const mutations = new Mutations(chance);
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const caller: Caller = {
  tenant: 'local',
  namespace: 'local/mesh/test',
  client: 'fuzz',
  permissions: Permissions.of(['*']),
  expiresAt: Infinity,
  grantedAt: 0,
};
const will = { topic: 'a/b', payload: Buffer.from('gone'), qos: 1 as const, retain: false };
const connect = { cmd: 'connect', protocolId: 'MQTT', clientId: 'c', clean: true, keepalive: 60, will } as const;

/** What clients say that know the protocol. */
function valid(version: 4 | 5): Buffer[] {
  const properties = {
    contentType: 'application/json',
    messageExpiryInterval: 5,
    topicAlias: 1,
    userProperties: { specversion: '1.0', id: '1', type: 't', source: '/s' },
    correlationData: Buffer.from('x'),
  };
  const publish = { cmd: 'publish', topic: 'a/b', payload: '{"a":1}', dup: false, retain: false } as const;
  const packets: Packet[] = [
    { ...publish, qos: 0 },
    { ...publish, qos: 1, messageId: 1, properties },
    { ...publish, qos: 2, messageId: 2 },
    { cmd: 'pubrel', messageId: 2 },
    { cmd: 'puback', messageId: 1, reasonCode: 0x80, properties: { reasonString: 'no' } } as Packet,
    {
      cmd: 'subscribe',
      messageId: 3,
      subscriptions: [{ topic: 'a/+/#', qos: 1, nl: true, rap: true, rh: 1 }],
      properties: { subscriptionIdentifier: 268_435_455 },
    },
    { cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['a/+/#', '$share/g/a'] },
    { cmd: 'pingreq' },
    { cmd: 'disconnect', reasonCode: 4, properties: { sessionExpiryInterval: 1 } } as Packet,
    { ...connect, protocolVersion: version },
  ];
  return packets.map((packet) => generate(packet, { protocolVersion: version }));
}

const VALID = { 4: valid(4), 5: valid(5) } as const;
const CONNECTS = ([4, 5] as const).map((version) =>
  generate({ ...connect, protocolVersion: version }, { protocolVersion: version }),
);

/** A wire that keeps nothing. */
class TrialWire implements Wire {
  readonly headroom = 0;
  readonly address = '192.0.2.1';
  readonly queuedBytes = 0;
  isEnded = false;
  take: (bytes: Buffer) => void = () => undefined;
  closed: () => void = () => undefined;

  write(): void {}
  onceDrained(callback: () => void): void {
    setImmediate(callback);
  }
  pause(): void {}
  resume(): void {}
  end(): void {
    this.isEnded = true;
  }
  destroy(): void {
    this.isEnded = true;
  }
  listen(onBytes: (bytes: Buffer) => void, onClosed: () => void): void {
    this.take = onBytes;
    this.closed = onClosed;
  }
}

const open = new Set<unknown>();
const unexpected: unknown[] = [];
const log = createLog('fuzz', 'silent');
const refuse = (): never => {
  throw new HeddleError('not-found', 'There is none.');
};
const home = {
  values: MQTT_VALUES,
  messages: {
    publish: (_by: Caller, all: readonly unknown[]) =>
      Promise.resolve(
        all.map(() => ({ id: '1', position: { topic: 't', partition: 0, offset: 0 }, duplicate: false })),
      ),
  },
  limits: new Limits(),
  queues: { open: refuse },
  hop: { elsewhere: () => undefined, askQueue: () => Promise.reject(new Error('nowhere')) },
  sessions: {
    open: (by: Caller, { clientId, expirySeconds }: { clientId: string; expirySeconds: number }, connection: never) => {
      const session = new MqttSession('mqtt-session/fuzz/c', clientId, by, expirySeconds);
      session.connection = connection;
      return Promise.resolve({ session, isPresent: false });
    },
    changed: () => Promise.resolve(),
    released: () => undefined,
    left: (session: MqttSession) => session.close(),
  },
  shares: { ensure: () => Promise.resolve('none'), left: () => Promise.resolve() },
  retained: { of: () => Promise.resolve([]) },
  namespaces: new Namespaces(),
  log: {
    ...log,
    warn: ({ event, err }: { event?: string; err?: unknown }) => event === 'mqtt-failed' && unexpected.push(err),
  },
  letIn: () => Promise.resolve(new Session(caller, new Duplex({ read: () => undefined }))),
  newId: () => 'auto-id',
  handOn: () => false,
  ended: (connection: unknown) => open.delete(connection),
} as unknown as ConnectionHome;

it('broken packets of MQTT end their connection at most, each at once, and leave nothing behind', async () => {
  const count = Math.ceil(FRAMES / IN_A_CONNECTION);
  const warm = Math.ceil(count / 4);
  let heap = 0;
  let slowest = 0;
  let ended = 0;
  for (let n = 0; n < count + warm; n += 1) {
    if (n === warm) heap = usedHeap();
    const begun = process.threadCpuUsage();
    ended += (await oneConnection(n % 2 === 0 ? 4 : 5)) ? 1 : 0;
    slowest = Math.max(slowest, usedMs(begun));
  }
  expect(unexpected).toEqual([]);
  expect(open.size).toBe(0);
  expect(ended).toBeGreaterThan(count / 10);
  expect(slowest).toBeLessThan(MOST_MS);
  expect(usedHeap() - heap).toBeLessThan(MOST_GROWTH);
}, 300_000);

/** Whether it was ended from here. */
async function oneConnection(version: 4 | 5): Promise<boolean> {
  const wire = new TrialWire();
  const connection = new MqttConnection(wire, home);
  open.add(connection);
  const hello = CONNECTS[version - 4]!;
  wire.take(chance.between(0, 4) === 0 ? mutations.bytes(hello) : hello);
  await new Promise(setImmediate);
  for (let left = IN_A_CONNECTION; left > 0; left -= 1) {
    const packet = mutations.bytes(mutations.oneOf(VALID[version]));
    const cut = chance.between(0, packet.length);
    wire.take(packet.subarray(0, cut));
    wire.take(packet.subarray(cut));
  }
  await new Promise(setImmediate);
  const { isEnded } = wire;
  wire.closed();
  return isEnded;
}

function usedHeap(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
