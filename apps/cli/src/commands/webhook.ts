import { manifestCommands } from '../manifests/manifest-commands.js';
import { webhookKind } from '../manifests/webhook-kind.js';

export const webhookCommands = manifestCommands(webhookKind);
