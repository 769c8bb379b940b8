export { AvroCodec, schemaIdOf } from './avro-codec.js';
export { fullNameOf, subjectOf, type AvroDefinition, type AvroField, type AvroSchema } from './avro-schema.js';
export type { AvroLimits } from './byte-walker.js';
export { Catalogue } from './catalogue.js';
export { checkSchemas, type CheckOptions, type PlacedFinding, type SchemaVerdict } from './check-schemas.js';
export {
  EXIT,
  type CommandArguments,
  type CommandIo,
  type CommandOption,
  type SchemaCommand,
} from './command/command.js';
export { runSchemaCommand, schemaCommands } from './command/schema-commands.js';
export {
  COMPATIBILITY_MODES,
  compatibilityFindings,
  type CompatibilityMode,
  type Finding,
  type HeldVersion,
} from './compatibility.js';
export { ConfluentSchemaRegistry, type ConfluentSchemaRegistryOptions } from './confluent-schema-registry.js';
export { isOpenToPublish, type EventDescription, type EventType } from './event-type.js';
export { diffSchemas, type SchemaDiff } from './diff-schemas.js';
export { gatewayReaders, type EventReader, type GatewayReadersOptions, type ReadersOf } from './event-readers.js';
export { MemorySchemaRegistry } from './memory-schema-registry.js';
export { masked, personalFields, type PersonalData } from './personal-data.js';
export { pullSchemas, type PulledSchema, type PullOptions } from './pull-schemas.js';
export { pushSchemas, type PushedSchema, type PushOptions } from './push-schemas.js';
export { schemaChanges, type SchemaChange } from './schema-changes.js';
export { loadSchemaFiles, registerSchemas, type Registration, type SchemaFile } from './schema-files.js';
export type { SchemaReference } from './schema-references.js';
export type { RegisteredSchema, SchemaRegistry } from './schema-registry.js';
export { fieldWords, type FieldWords } from './type-words.js';
export { breachesOf, type Breach } from './verdict-words.js';
export { writeTypes, type TypesOptions } from './write-types.js';
