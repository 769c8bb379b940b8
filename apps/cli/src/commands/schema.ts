import { schemaCommands as commandsOfSchemas } from '@heddle/schema';
import { mounted } from '../mounted.js';

/** `heddle schema check`, and so on: the same as `npm run schemas`, with the gateway of whoever asks. */
export const schemaCommands = mounted(
  'schema',
  commandsOfSchemas,
  'Ends with 0 when all is well, 1 where schemas are not compatible or files not up to date, 2 for a wrong line, 3 when the registry does not answer, 4 for a schema that breaks a rule, 5 for anything else.',
);
