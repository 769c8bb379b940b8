export { AvroCodec, schemaIdOf } from './avro-codec.js';
export {
  SCHEMA_LIMITS,
  fullNameOf,
  sameSchema,
  subjectOf,
  type AvroDefinition,
  type AvroField,
  type AvroSchema,
} from './avro-schema.js';
export { AVRO_LIMITS, type AvroLimits } from './byte-walker.js';
export { Catalogue } from './catalogue.js';
export { ConfluentSchemaRegistry, type ConfluentSchemaRegistryOptions } from './confluent-schema-registry.js';
export { eventTypeOf, type EventType } from './event-type.js';
export { MemorySchemaRegistry } from './memory-schema-registry.js';
export { loadSchemaFiles, registerSchemas, type SchemaFile } from './schema-files.js';
export type { RegisteredSchema, SchemaRegistry } from './schema-registry.js';
