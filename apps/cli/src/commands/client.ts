import { manifestCommands } from '../manifests/manifest-commands.js';
import { clientKind } from '../manifests/client-kind.js';

export const clientCommands = manifestCommands(clientKind);
