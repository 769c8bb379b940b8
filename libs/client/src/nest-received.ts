import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import type { CloudEvent } from './cloud-event.js';
import type { VerifiedWebhook } from './webhook-request.js';

interface Received {
  event: CloudEvent;
  delivery: VerifiedWebhook;
}

/** What the handler of a request is called with next. */
const received = new WeakMap<object, Received>();

export function callWith(context: ExecutionContext, event: CloudEvent, delivery: VerifiedWebhook): void {
  received.set(requestOf(context), { event, delivery });
}

/** The event that was delivered: `onOrder(@ReceivedEvent() event: TypedEvent<SalesOrderEvents>)`. */
export const ReceivedEvent: () => ParameterDecorator = createParamDecorator(
  (_nothing: unknown, context: ExecutionContext): CloudEvent => receivedIn(context).event,
);

/** What is known of the delivery: which attempt it is, whether it may have come before, whether somebody only tries. */
export const ReceivedWebhook: () => ParameterDecorator = createParamDecorator(
  (_nothing: unknown, context: ExecutionContext): VerifiedWebhook => receivedIn(context).delivery,
);

function receivedIn(context: ExecutionContext): Received {
  const found = received.get(requestOf(context));
  if (found === undefined) {
    const handler = `${context.getClass().name}.${context.getHandler().name}`;
    throw new Error(`${handler} takes events of webhooks, but no WebhookInterceptor stands above it.`);
  }
  return found;
}

function requestOf(context: ExecutionContext): object {
  return context.switchToHttp().getRequest<object>();
}
