export { KafkaEventLog, type KafkaEventLogOptions } from './kafka-event-log.js';
export { type KafkaConnection, type LogLine } from './kafka-client.js';
export { type ForeignReason } from './record.js';
export { type SetAsideRecord } from './set-aside.js';
