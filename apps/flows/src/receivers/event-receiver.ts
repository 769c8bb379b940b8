import type { EventReceiverRule } from '../flow.shape.js';
import type { GatewayAnswer, GatewayCalls } from '../gateway-calls.js';
import type { Message, Passing, Receiver } from '../message.js';

/** Publishes each message as an event of a type of the catalogue, the message being its data; done once it is in the log. */
export class EventReceiver implements Receiver {
  constructor(
    private readonly gateway: GatewayCalls,
    private readonly rule: EventReceiverRule,
    private readonly flow: string,
  ) {}

  async take({ id, contentType, body }: Message): Promise<Passing> {
    const { type, source = sourceOf(this.flow) } = this.rule;
    const answer = await this.gateway.call('/v1/events', {
      method: 'POST',
      headers: {
        'content-type': contentType === '' ? 'application/json' : contentType,
        'ce-specversion': '1.0',
        'ce-id': encodeURI(id),
        'ce-source': encodeURI(source),
        'ce-type': type,
      },
      body,
    });
    return passingOf(answer);
  }
}

/** The source of what a flow publishes, where it names none. */
export function sourceOf(flow: string): string {
  return `/flows/${flow}`;
}

/** What the gateway said to something published. */
export function passingOf({ status, detail, isRetryable, retryAfterMs }: GatewayAnswer): Passing {
  if (status >= 200 && status < 300) return { state: 'done', answer: { status } };
  const answer = { status, excerpt: detail };
  const reason = `The gateway did not take it: ${detail}`;
  if (!isRetryable) return { state: 'permanent', reason, answer };
  return { state: 'retryable', reason, answer, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}
