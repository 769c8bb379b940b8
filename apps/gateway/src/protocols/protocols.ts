import { amqp } from './amqp/amqp.protocol.js';
import { eventsRest } from './events-rest/events-rest.protocol.js';
import { http } from './http/http.protocol.js';
import { messagingrest } from './messagingrest/messagingrest.protocol.js';
import { mqtt } from './mqtt/mqtt.protocol.js';
import type { Protocol } from './protocol.js';
import { pull } from './pull/pull.protocol.js';
import { sse } from './sse/sse.protocol.js';
import { websocket } from './websocket/websocket.protocol.js';

/**
 * Every protocol of the gateway that has doors of its own; webhooks are receivers of queues. WebSockets come last, for
 * they answer the upgrades of those before them, too.
 */
export const protocols: readonly Protocol[] = [http, sse, pull, messagingrest, eventsRest, amqp, mqtt, websocket];
