import { type Address, formatAddress, typeOfTopic } from '@heddle/event';
import type { GatewayCalls } from '../gateway-calls.js';
import type { Message, Passing, Receiver } from '../message.js';
import { passingOf, sourceOf } from './event-receiver.js';

/** The type of a message that is no event of the catalogue. */
const RAW_TYPE = 'heddle.raw.v1.Message.Published.v1';

/**
 * Publishes each message to a queue or a topic, as the bytes it is; a topic of an event type of the catalogue makes an
 * event of it, which is checked. Its id goes with it, so that a repeat is known as one.
 */
export class AddressReceiver implements Receiver {
  readonly #type: string;

  constructor(
    private readonly gateway: GatewayCalls,
    private readonly address: Address,
    private readonly flow: string,
  ) {
    this.#type = (address.kind === 'topic' ? typeOfTopic(address.name)?.type : undefined) ?? RAW_TYPE;
  }

  async take({ id, contentType, body }: Message): Promise<Passing> {
    const { kind, name } = this.address;
    // That door takes none.
    if (body.length === 0) {
      return { state: 'permanent', reason: `The message is empty: ${formatAddress(this.address)} takes none` };
    }
    const answer = await this.gateway.call(`/messagingrest/v1/${kind}s/${encodeURIComponent(name)}/messages`, {
      method: 'POST',
      headers: {
        'x-qos': '1',
        'content-type': contentType === '' ? 'application/octet-stream' : contentType,
        'ce-specversion': '1.0',
        'ce-id': encodeURI(id),
        'ce-source': sourceOf(this.flow),
        'ce-type': this.#type,
      },
      body,
    });
    return passingOf(answer);
  }
}
