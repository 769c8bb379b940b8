import { randomUUID } from 'node:crypto';
import type { Caller } from '@heddle/auth';
import { createLog } from '@heddle/runtime';
import type { ConnectionOptions } from 'rhea';
import { vi } from 'vitest';
import { GatewayTrial } from '../../gateway-trial.js';
import { callerFor } from '../../identity/identity-trial.js';
import { Limits } from '../../limits/limits.js';
import type { OwnPort } from '../own-port.js';
import { Sessions } from '../sessions.js';
import { AmqpClient, type TrialReceiver } from './amqp-client-trial.js';
import { AmqpDoor, type AmqpDoors } from './amqp-door.js';
import { AmqpPeer } from './amqp-peer-trial.js';
import { AMQP_VALUES, type AmqpSettings } from './amqp.settings.js';

/** The topic of contracts that are signed, as an address. */
export const TOPIC = 'topic:default/heddle/s4/ce/heddle/contract/v1/Contract/Signed/v1';
export const TYPE = 'heddle.contract.v1.Contract.Signed.v1';
export const ADMIN = callerFor();
export const SOON = { timeout: 10_000 };

/** A gateway with its doors, and one of plain AMQP beside them; clients of it, and what they do. */
export class AmqpTrial {
  #clients: AmqpClient[] = [];
  #peers: AmqpPeer[] = [];

  private constructor(
    readonly gateway: GatewayTrial,
    readonly door: AmqpDoor,
    private readonly listener: OwnPort,
    private readonly sessions: Sessions,
  ) {}

  static async start(settings: Partial<AmqpSettings> = {}, more: Partial<AmqpDoors> = {}): Promise<AmqpTrial> {
    const trial = await GatewayTrial.start();
    const { guard, gateway } = trial;
    const { publisher, streams, engine, hop, namespaces } = gateway;
    const sessions = new Sessions(guard);
    const doors = {
      ...{ guard, sessions, publisher, streams, queues: engine.queues, hop, namespaces },
      ...{ log: createLog('test', 'silent'), limits: new Limits() },
      amqp: { ...AMQP_VALUES, amqpPort: 0, ...settings },
      ...more,
    };
    const door = new AmqpDoor(doors);
    const listener = door.ownPort()!;
    await listener.listen();
    return new AmqpTrial(trial, door, listener, sessions);
  }

  get port(): number {
    return this.listener.port;
  }

  /** A client over TCP, whose password is its token. */
  async tcp(caller: Caller = ADMIN, options: Partial<ConnectionOptions> = {}): Promise<AmqpClient> {
    const password = this.gateway.guard.tokenFor(caller);
    return this.keep(await AmqpClient.overTcp(this.port, { username: 'any', password, ...options }));
  }

  /** A peer that says what it is told, with a session on channel 0. */
  async peer(options: { frames?: number; idleMs?: number } = {}): Promise<AmqpPeer> {
    return this.keepPeer(await AmqpPeer.open(this.port, this.gateway.guard.tokenFor(ADMIN), options));
  }

  /** One that has said who it is, and nothing more. */
  async silentPeer(): Promise<AmqpPeer> {
    return this.keepPeer(await AmqpPeer.connect(this.port, this.gateway.guard.tokenFor(ADMIN)));
  }

  keepPeer(peer: AmqpPeer): AmqpPeer {
    this.#peers.push(peer);
    return peer;
  }

  async webSocket(options: Record<string, unknown> = {}, caller: Caller = ADMIN): Promise<AmqpClient> {
    return this.keep(await AmqpClient.overWebSocket(this.gateway.url, this.gateway.guard.bearerFor(caller), options));
  }

  /** Closes it with the others. */
  keep(client: AmqpClient): AmqpClient {
    this.#clients.push(client);
    return client;
  }

  async newQueue(definition: Record<string, unknown> = {}): Promise<string> {
    const name = `q-${randomUUID()}`;
    const body = { types: [TYPE], order: 'none', retry: { firstMs: 1, jitter: 0, attempts: 5 }, ...definition };
    const { status, text } = await this.gateway.ask(ADMIN, 'PUT', `/v1/queues/${name}`, body);
    if (status !== 201) throw new Error(text);
    return name;
  }

  /** The data of a contract that was signed. */
  contract(key: string): string {
    const { example } = this.gateway.catalogue.get(TYPE)!;
    return JSON.stringify({ ...(example as object), Contract: key });
  }

  /** Publishes so many contracts over HTTP; gives their ids. */
  async publish(count: number): Promise<string[]> {
    const ids: string[] = [];
    for (let n = 0; n < count; n += 1) {
      const id = randomUUID();
      const data = JSON.parse(this.contract(`K${n}`)) as unknown;
      const event = { specversion: '1.0', id, source: '/test', type: TYPE, data };
      const headers = { 'content-type': 'application/cloudevents+json' };
      const { status, text } = await this.gateway.ask(ADMIN, 'POST', '/v1/events', event, headers);
      if (status !== 202) throw new Error(text);
      ids.push(id);
    }
    return ids;
  }

  async statistics(queue: string): Promise<Record<string, number>> {
    const { json } = await this.gateway.ask(ADMIN, 'GET', `/v1/queues/${queue}`);
    return json['statistics'] as Record<string, number>;
  }

  /** Closes all clients; resolves when nothing is left of them. */
  async closeClients(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.close();
    for (const peer of this.#peers.splice(0)) peer.socket.destroy();
    await vi.waitUntil(() => this.door.size === 0, SOON);
  }

  async stop(): Promise<void> {
    this.door.close();
    await this.listener.stop();
    this.sessions.stop();
    await this.gateway.stop();
  }
}

/** Waits for so many messages. */
export async function until(receiver: TrialReceiver, count: number): Promise<void> {
  await vi.waitUntil(() => receiver.messages.length >= count, SOON);
}
