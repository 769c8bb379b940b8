export {
  ADDRESS_LIMITS,
  formatAddress,
  isNamespace,
  mqttPatterns,
  parseAddress,
  queueNameProblem,
  topicMatcher,
  topicOfType,
  topicPatternProblem,
  topicProblem,
  typeOfTopic,
  type Address,
  type TopicMatcher,
} from './address.js';
export {
  APPLICATION_PROPERTIES,
  ATTRIBUTE_LIMITS,
  AVRO_CONTENT_TYPE,
  CLOUDEVENTS_AVRO_CONTENT_TYPE,
  CLOUDEVENTS_JSON_BATCH_CONTENT_TYPE,
  CLOUDEVENTS_JSON_CONTENT_TYPE,
  ENVELOPE_MODES,
  JSON_CONTENT_TYPE,
  attributeProblem,
  checkAttributes,
  longAttributeBytes,
  type AttributeProblem,
  type EnvelopeMode,
  type Event,
  type EventAttributes,
} from './event.js';
export {
  ERRORS,
  HeddleError,
  fieldInvalid,
  fieldsInvalid,
  problemOf,
  type ErrorCode,
  type ErrorDetails,
  type FieldRule,
  type Problem,
} from './errors.js';
export type {
  Append,
  AppendOutcome,
  EventLog,
  FetchedBatch,
  PartitionBounds,
  ReadBatch,
  ReadGap,
  ReadOptions,
  Reader,
} from './event-log.js';
export type {
  BatchContext,
  BatchHandling,
  ConsumeOptions,
  Consumer,
  ConsumerStatus,
  HandlingContext,
  PartitionStatus,
} from './consume.js';
export { ConsumerWork, mustNotBeStalled, type Membership, type WorkGround } from './consumer-work.js';
export { isEventOf, type EventOf, type TypedEvent, type TypesMatching } from './event-of.js';
export type { FailedEvent } from './handling-ground.js';
export type { ControlLog, ControlPut, ControlRecord, Follower } from './control-log.js';
export { canonicalKey } from './key.js';
export type { KeyWork } from './key-work.js';
export { nearest, suggestion } from './nearest.js';
export { MemoryControlLog } from './memory-control-log.js';
export { MemoryEventLog, type MemoryEventLogOptions } from './memory-event-log.js';
export { type MemoryDeadLetter } from './memory-group.js';
export { MemorySlotGroup } from './memory-slot-group.js';
export { murmur2, partitionOf } from './murmur2.js';
export { OWN_ATTRIBUTES, isEventCopy, isRawMessage, rawContentOf, rawEvent, type RawContent } from './raw-message.js';
export { DEFAULT_RETRY, type RetrySchedule } from './retry-schedule.js';
export { formatSequence, sequenceOf } from './sequence.js';
export { divideSlots, type SlotGroup, type SlotHandlers, type SlotMember } from './slot-group.js';
export type { Position, StoredEvent } from './stored-event.js';
export {
  CONTROL_TOPICS,
  CONTROL_TOPIC_SPECS,
  LOCAL_TENANT,
  RAW_TOPIC,
  RAW_TYPE,
  SLOT_COUNT,
  isRawTopic,
  objectOf,
  objectTopicSpec,
  rawTopicSpec,
  slotOf,
  tenantOf,
  topicOf,
  type TopicSpec,
} from './topic.js';
export { formatAvroEvent, parseAvroEvent } from './structured-avro.js';
export { formatJsonEvent, parseJsonEvent, type StructuredData, type StructuredEvent } from './structured-json.js';
export { typeMatcher, type TypeMatcher } from './type.js';
export { uuidv7 } from './uuid.js';
