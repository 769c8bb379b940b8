import type { MqttSessions } from './mqtt-sessions.js';
import type { RetainedMessages } from './retained-messages.js';
import type { Retained } from './retained.js';
import type { ShareQueues } from './share-queues.js';

/** What MQTT has beside its door, for it comes and goes with the slots of the queues. */
export interface MqttParts {
  sessions: MqttSessions;
  shares: ShareQueues;
  messages: RetainedMessages;
  retained: Retained;
}
