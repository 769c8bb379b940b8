import { schemaRegistryContract } from '../../../test/src/contract/schema-registry.contract.js';
import { MemorySchemaRegistry } from './memory-schema-registry.js';

schemaRegistryContract('in memory', () => new MemorySchemaRegistry());
