import { manifestCommands } from '../manifests/manifest-commands.js';
import { queueKind } from '../manifests/queue-kind.js';

export const queueCommands = manifestCommands(queueKind);
