export {
  ATTRIBUTE_LIMITS,
  AVRO_CONTENT_TYPE,
  CLOUDEVENTS_AVRO_CONTENT_TYPE,
  CLOUDEVENTS_JSON_BATCH_CONTENT_TYPE,
  CLOUDEVENTS_JSON_CONTENT_TYPE,
  ENVELOPE_MODES,
  JSON_CONTENT_TYPE,
  attributeProblem,
  checkAttributes,
  type AttributeProblem,
  type EnvelopeMode,
  type Event,
  type EventAttributes,
} from './event.js';
export { ERRORS, HeddleError, problemOf, type ErrorCode, type ErrorDetails, type Problem } from './errors.js';
export type {
  Append,
  AppendOutcome,
  ConsumeOptions,
  Consumer,
  EventLog,
  FetchedBatch,
  PartitionBounds,
  Position,
  ReadBatch,
  ReadGap,
  ReadOptions,
  Reader,
  StoredEvent,
} from './event-log.js';
export type { ControlLog, ControlPut, ControlRecord, Follower } from './control-log.js';
export { canonicalKey } from './key.js';
export { KeyWork, Slots, type HandlingFailure, type KeyWorkSettings } from './key-work.js';
export { MemoryControlLog } from './memory-control-log.js';
export { MemoryEventLog, type MemoryEventLogOptions } from './memory-event-log.js';
export { type MemoryDeadLetter } from './memory-group.js';
export { MemorySlotGroup } from './memory-slot-group.js';
export { murmur2, partitionOf } from './murmur2.js';
export { formatSequence } from './sequence.js';
export { divideSlots, type SlotGroup, type SlotHandlers, type SlotMember } from './slot-group.js';
export {
  CONTROL_TOPICS,
  CONTROL_TOPIC_SPECS,
  LOCAL_TENANT,
  SLOT_COUNT,
  objectOf,
  objectTopicSpec,
  slotOf,
  tenantOf,
  topicOf,
  type TopicSpec,
} from './topic.js';
export { formatAvroEvent, parseAvroEvent } from './structured-avro.js';
export { formatJsonEvent, parseJsonEvent, type StructuredData, type StructuredEvent } from './structured-json.js';
export { typeMatcher, type TypeMatcher } from './type.js';
export { uuidv7 } from './uuid.js';
