export { AvroCodec, schemaIdOf } from './avro-codec.js';
export { fullNameOf, subjectOf, type AvroDefinition, type AvroField, type AvroSchema } from './avro-schema.js';
export type { AvroLimits } from './byte-walker.js';
export { Catalogue } from './catalogue.js';
export { ConfluentSchemaRegistry, type ConfluentSchemaRegistryOptions } from './confluent-schema-registry.js';
export type { EventDescription, EventType } from './event-type.js';
export { MemorySchemaRegistry } from './memory-schema-registry.js';
export { loadSchemaFiles, registerSchemas, type Registration, type SchemaFile } from './schema-files.js';
export type { RegisteredSchema, SchemaRegistry } from './schema-registry.js';
