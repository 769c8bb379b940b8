import { type Socket, connect } from 'node:net';
import type { Caller } from '@heddle/auth';
import { type IConnectPacket, type IPublishPacket, type Packet, generate, parser } from 'mqtt-packet';
import { afterAll, afterEach, vi } from 'vitest';
import { WebSocket } from 'ws';
import { GatewayTrial } from '../../gateway-trial.js';
import { callerFor } from '../../identity/identity-trial.js';
import type { MqttVersion } from './mqtt.frames.js';

/** What is waited for may take seconds on a busy machine. */
export const SOON = { timeout: 10_000 };

type Cmd = Packet['cmd'];
type PacketOf<C extends Cmd> = Extract<Packet, { cmd: C }>;
type ConnectFields = Partial<Omit<IConnectPacket, 'cmd' | 'protocolVersion'>>;

interface Line {
  write(bytes: Buffer): void;
  destroy(): void;
  pause(): void;
  resume(): void;
}

/** A client that says exactly what a test wants, and keeps everything it is told. */
export class TrialClient {
  readonly packets: Packet[] = [];
  isClosed = false;
  #line: Line | undefined;
  readonly #seen = new Map<Cmd, number>();
  readonly #parser;

  constructor(readonly version: MqttVersion) {
    this.#parser = parser({ protocolVersion: version });
    this.#parser.on('packet', (packet) => this.packets.push(packet));
  }

  /** Over WebSocket, as somebody. */
  static async overWebSocket(trial: GatewayTrial, version: MqttVersion, caller: Caller): Promise<TrialClient> {
    const client = new TrialClient(version);
    const socket = new WebSocket(`${trial.url.replace('http', 'ws')}/protocols/mqtt311ws`, 'mqtt', {
      headers: { authorization: trial.guard.bearerFor(caller) },
    });
    socket.on('message', (data: Buffer) => client.#parser.parse(data));
    socket.on('close', () => (client.isClosed = true));
    client.#line = {
      write: (bytes) => socket.send(bytes),
      destroy: () => socket.terminate(),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
    };
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return client;
  }

  static async overTcp(port: number, version: MqttVersion): Promise<TrialClient> {
    const client = new TrialClient(version);
    const socket: Socket = connect(port, '127.0.0.1');
    socket.on('data', (data: Buffer) => client.#parser.parse(data));
    socket.on('close', () => (client.isClosed = true));
    socket.on('error', () => undefined);
    client.#line = socket;
    await new Promise((resolve) => socket.once('connect', resolve));
    return client;
  }

  say(packet: Packet): void {
    this.sayAll([packet]);
  }

  /** All in one piece. */
  sayAll(packets: readonly Packet[]): void {
    this.bytes(Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion: this.version }))));
  }

  /** Whatever bytes there are. */
  bytes(bytes: Buffer): void {
    this.#line?.write(bytes);
  }

  /** Resolves with the answer. */
  async connect(fields: ConnectFields = {}): Promise<PacketOf<'connack'>> {
    this.say({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: this.version,
      clean: true,
      keepalive: 60,
      clientId: '',
      ...fields,
    });
    return this.next('connack');
  }

  /** The next packet of a kind. */
  async next<C extends Cmd>(cmd: C): Promise<PacketOf<C>> {
    const from = this.#seen.get(cmd) ?? 0;
    const find = (): number => this.packets.findIndex((one, index) => index >= from && one.cmd === cmd);
    await vi.waitUntil(() => find() >= 0, SOON);
    this.#seen.set(cmd, find() + 1);
    return this.packets[find()] as PacketOf<C>;
  }

  async subscribe(filter: string, options: object = {}, properties?: object): Promise<number[]> {
    const subscriptions = [{ topic: filter, qos: 1 as const, ...options }];
    this.say({ cmd: 'subscribe', messageId: 1, subscriptions, ...(properties === undefined ? {} : { properties }) });
    return (await this.next('suback')).granted as number[];
  }

  publish(topic: string, payload: string, fields: Partial<IPublishPacket> = {}): void {
    this.say({ cmd: 'publish', topic, payload, qos: 1, messageId: 1, dup: false, retain: false, ...fields });
  }

  /** Publishes with QoS 1; resolves with the reason code. */
  async published(topic: string, payload: string, fields: Partial<IPublishPacket> = {}): Promise<number> {
    this.publish(topic, payload, fields);
    return (await this.next('puback')).reasonCode ?? 0;
  }

  /** Everything that was delivered. */
  get deliveries(): PacketOf<'publish'>[] {
    return this.packets.filter((packet) => packet.cmd === 'publish');
  }

  get payloads(): string[] {
    return this.deliveries.map(({ payload }) => payload.toString());
  }

  acknowledge({ messageId }: { messageId?: number }, reasonCode = 0, words?: string): void {
    const said =
      this.version === 4 ? {} : { reasonCode, ...(words === undefined ? {} : { properties: { reasonString: words } }) };
    this.say({ cmd: 'puback', messageId: messageId!, ...said } as Packet);
  }

  /** Leaves as it should. */
  leave(): void {
    this.say({ cmd: 'disconnect', ...(this.version === 5 ? { reasonCode: 0 } : {}) });
  }

  /** Stops to read. */
  pause(): void {
    this.#line?.pause();
  }

  /** Reads again. */
  resume(): void {
    this.#line?.resume();
  }

  /** Is lost without a word. */
  cut(): void {
    this.#line?.destroy();
  }

  async closed(): Promise<void> {
    await vi.waitUntil(() => this.isClosed, SOON);
  }
}

/** Clients of a gateway, all of them gone when a test has ended. */
export class TrialClients {
  readonly #all: TrialClient[] = [];

  constructor(private readonly trial: GatewayTrial) {}

  async open(version: MqttVersion, caller: Caller = callerFor()): Promise<TrialClient> {
    return this.add(await TrialClient.overWebSocket(this.trial, version, caller));
  }

  /** One that is let in already. */
  async connected(version: MqttVersion, fields: ConnectFields = {}, caller?: Caller): Promise<TrialClient> {
    const client = await this.open(version, caller);
    await client.connect(fields);
    return client;
  }

  add(client: TrialClient): TrialClient {
    this.#all.push(client);
    return client;
  }

  cut(): void {
    for (const client of this.#all.splice(0)) client.cut();
  }
}

/** A gateway for the tests of one file, and its clients. */
export async function mqttTrial(
  settings?: Record<string, string>,
): Promise<{ trial: GatewayTrial; clients: TrialClients }> {
  const trial = await GatewayTrial.start(settings);
  const clients = new TrialClients(trial);
  afterEach(() => clients.cut());
  afterAll(() => trial.stop());
  return { trial, clients };
}
