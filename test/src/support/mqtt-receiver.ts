import type { IPublishPacket } from 'mqtt-packet';
import { MqttClient } from './mqtt-client.js';
import type { Received, SettleAction } from './receiver.js';
import { ReconnectingReceiver } from './reconnecting-receiver.js';

/** Reason codes of a PUBACK: unspecified, which is tried again, and payload format invalid, which is not. */
const REASONS = { accept: 0x00, release: 0x80, reject: 0x99 } as const;

/**
 * A receiver of a queue over MQTT 5. Its leases do not run out while it is there; where a story wants one that does
 * not answer in time, it is lost at that time and comes back.
 */
export class MqttReceiver extends ReconnectingReceiver {
  #client: MqttClient | undefined;

  protected disconnect(): void {
    this.#client?.leave();
  }

  protected async connect(): Promise<void> {
    const { gateway, queue } = this.wish;
    const onDelivery = (packet: IPublishPacket, from: MqttClient): void => this.#receive(packet, from);
    const client = await MqttClient.open(gateway, { filter: `queue:${queue}`, onDelivery });
    this.#client = client;
    if (this.isOver) client.leave();
    await client.closed;
  }

  #receive(packet: IPublishPacket, from: MqttClient): void {
    const { userProperties = {} } = packet.properties ?? {};
    const said = userProperties as Record<string, string>;
    const { 'heddle-attempt': attempt, 'heddle-redelivery': redelivery, 'heddle-cycle': cycle, ...attributes } = said;
    let isSettled = false;
    const settle = (action: SettleAction, reason?: string): Promise<undefined> => {
      isSettled = true;
      from.acknowledge(packet, REASONS[action], reason);
      return Promise.resolve(undefined);
    };
    const received: Received = {
      id: attributes['id'] ?? '',
      key: attributes['subject'] ?? '',
      attempt: Number(attempt ?? '1'),
      redelivery: (redelivery ?? 'no') as Received['redelivery'],
      cycle,
      text: JSON.stringify([attributes, packet.payload.toString()]),
      at: performance.now(),
      settle,
    };
    const action = this.take(received);
    if (action !== 'keep') {
      void settle(action);
      return;
    }
    setTimeout(() => {
      if (!isSettled) from.cut();
    }, this.wish.leaseMs).unref();
  }
}
