export { KafkaConsumerGroups } from './consumer-groups.js';
export { EventLogStrategy, connectEventLog, type EventLogStrategyOptions } from './event-log-strategy.js';
export { KafkaControlLog, type KafkaControlLogOptions } from './kafka-control-log.js';
export { KafkaEventLog, type KafkaEventLogOptions } from './kafka-event-log.js';
export { KafkaSlotGroup, type KafkaSlotGroupOptions } from './kafka-slot-group.js';
export { type KafkaConnection, type LogLine } from './kafka-client.js';
export { type ForeignReason } from './record.js';
export { type SetAsideRecord } from './set-aside.js';
