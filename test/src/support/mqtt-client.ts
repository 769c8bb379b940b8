import { type IPublishPacket, type Packet, generate, parser } from 'mqtt-packet';
import { WebSocket } from 'ws';
import { authorizationFor } from './keyring.js';

export interface MqttWish {
  /** What it subscribes to, with QoS 1. */
  filter: string;
  clientId?: string;
  /** Seconds that its session is kept; with 0 it is a clean one. */
  keptSeconds?: number;
  onDelivery(packet: IPublishPacket, from: MqttClient): void;
}

/** A client of MQTT 5 over WebSocket that acknowledges when it is told to. */
export class MqttClient {
  readonly closed: Promise<void>;
  isSessionPresent = false;

  private constructor(private readonly socket: WebSocket) {
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  /** Resolves once it is subscribed. */
  static async open(gateway: string, wish: MqttWish): Promise<MqttClient> {
    const { filter, clientId = '', keptSeconds = 0, onDelivery } = wish;
    const socket = new WebSocket(`${gateway.replace('http', 'ws')}/protocols/mqtt311ws`, 'mqtt', {
      headers: await authorizationFor(gateway),
    });
    const client = new MqttClient(socket);
    const reader = parser({ protocolVersion: 5 });
    const subscribed = new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('The connection ended.')));
      reader.on('packet', (packet: Packet) => {
        if (packet.cmd === 'publish') onDelivery(packet, client);
        else if (packet.cmd === 'connack') {
          client.isSessionPresent = packet.sessionPresent;
          if (packet.reasonCode === 0)
            client.#say({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: filter, qos: 1, rh: 2 }] });
          else reject(new Error(`CONNACK ${packet.reasonCode}`));
        } else if (packet.cmd === 'suback') {
          if (packet.granted[0] === 1) resolve();
          else reject(new Error(`SUBACK ${JSON.stringify(packet.granted)}`));
        }
      });
    });
    // One that does not even come about is told below.
    subscribed.catch(() => undefined);
    socket.on('message', (data: Buffer) => reader.parse(data));
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    client.#say({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clientId,
      clean: keptSeconds === 0,
      keepalive: 60,
      properties: { sessionExpiryInterval: keptSeconds },
    });
    await subscribed;
    return client;
  }

  acknowledge({ messageId }: Pick<IPublishPacket, 'messageId'>, reasonCode = 0, reasonString?: string): void {
    const properties = reasonString === undefined ? {} : { reasonString };
    this.#say({ cmd: 'puback', messageId: messageId!, reasonCode, properties } as Packet);
  }

  /** Leaves as it should. */
  leave(): void {
    this.#say({ cmd: 'disconnect', reasonCode: 0 });
    this.socket.close();
  }

  /** Is lost without a word. */
  cut(): void {
    this.socket.terminate();
  }

  #say(packet: Packet): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(generate(packet, { protocolVersion: 5 }));
  }
}
