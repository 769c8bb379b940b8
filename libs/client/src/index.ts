export { attachedStateOf, type AttachedState, type CloudEvent, type TypedEvent } from './cloud-event.js';
export { ClientTokens, type ClientCredentials } from './client-tokens.js';
export { reject, release, type Delivery, type Handle, type Outcome, type SettleResult } from './delivery.js';
export { fetchDocument, type DocumentReference, type FetchDocument, type FetchedDocument } from './document-fetch.js';
export { EventStream, openStream, type Opened, type StreamEnd, type StreamOptions } from './event-stream.js';
export { fastifyReceiver } from './fastify-receiver.js';
export type { Gateway } from './gateway-http.js';
export { httpReceiver, type HttpReceiver } from './http-receiver.js';
export { fetchObject, type FetchedObject, type FetchObject } from './object-fetch.js';
export { PullWorker, pullQueue, type PullEnd, type PullOptions } from './pull-worker.js';
export { QueueConnection, connectQueue, type QueueEnd, type QueueOptions } from './queue-connection.js';
export { Refusal } from './refusal.js';
export { RecentEvents, type SeenEvents } from './seen-events.js';
export { fromServiceKey, type ServiceKey } from './service-key.js';
export type { SocketClass } from './sockets.js';
export { requestTicket } from './tickets.js';
export type { TokenSource, Tokens } from './tokens.js';
export { WebhookAnswer, type ReceiverAnswer } from './webhook-answer.js';
export { giveConsent, type Consent, type ConsentRequest } from './webhook-consent.js';
export {
  WebhookReceiver,
  webhookReceiver,
  type ReceivedRequest,
  type WebhookReceiverOptions,
} from './webhook-receiver.js';
export { verifyWebhook, type HeaderSource, type VerifiedWebhook, type VerifyWebhook } from './webhook-request.js';
export { WebhookRefused, type WebhookFailure, type WebhookKeys } from './webhook-signature.js';
