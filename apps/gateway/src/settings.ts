import { LOCAL_TENANT, isNamespace } from '@heddle/event';
import { baseUrlSchema, countSchema, defineSettings, meshSettings, portSchema } from '@heddle/runtime';
import type { SettingsOf } from '@heddle/runtime';
import { z } from 'zod';
import { identitySettings } from './identity/identity.settings.js';
import { amqpSettings } from './protocols/amqp/amqp.settings.js';
import { limitSettings } from './limits/limit.settings.js';
import { DEFAULT_NAMESPACE } from './messages/namespaces.js';
import { receiverSettings } from './network/receiver.settings.js';
import { mqttSettings } from './protocols/mqtt/mqtt.settings.js';
import { parseMasterKeys } from './vault/master-keys.js';

const milliseconds = countSchema(1);

/** Every setting of the gateway. */
export const settings = defineSettings({
  ...meshSettings,
  port: { env: 'PORT', schema: portSchema.default(8080), about: 'TCP port to listen on' },
  gatewayUrl: {
    env: 'GATEWAY_URL',
    schema: baseUrlSchema.optional(),
    about:
      'URL under which receivers reach this gateway; references in events begin with it. Where it listens, when not set',
  },
  instanceUrl: {
    env: 'HEDDLE_INSTANCE_URL',
    schema: baseUrlSchema.optional(),
    about:
      'URL under which other instances of the gateway reach this one, to hand on requests for its queues. Where it listens, when not set',
  },
  owners: {
    env: 'OWNER_URLS',
    schema: z
      .string()
      .default(
        'sales-order=http://127.0.0.1:8101,business-partner=http://127.0.0.1:8102,contract=http://127.0.0.1:8103',
      )
      .transform(parseOwners),
    about:
      'services that own business objects, as name=URL, separated by commas; those of another tenant than local as tenant/name=URL',
  },
  namespace: {
    env: 'HEDDLE_NAMESPACE',
    schema: z.string().refine(isNamespace, 'must be three segments, as default/heddle/s4').default(DEFAULT_NAMESPACE),
    about:
      'namespace of three segments that topics of event types begin with, as <namespace>/ce/sap/s4/…; other tenants have their name for its first segment',
  },
  rawRetentionHours: {
    env: 'HEDDLE_RAW_RETENTION_HOURS',
    schema: z.coerce.number().min(1).max(87_600).optional(),
    about:
      'hours for which messages of topics that no event type knows are kept, applied at the start to what there is; when left out, topics of the log that are made from now on keep them for 168, and others as long as they do',
  },
  masterKeys: {
    env: 'HEDDLE_MASTER_KEY',
    schema: z.string().default('').transform(parseMasterKeys),
    about:
      'master keys of the secrets in the log, as name:base64 of 32 bytes, separated by commas or lines; the first seals, all open',
    secret: true,
    whenGone:
      'Put the master key back from its copy: without it the secrets of webhooks and the keys that sign access tokens in the log are lost, and a new one opens none of them (docs/guides/secrets.md). Only where nothing was sealed yet, make one',
  },
  ...identitySettings,
  appendTimeoutMs: {
    env: 'HEDDLE_APPEND_TIMEOUT_MS',
    schema: milliseconds.default(10_000),
    about: 'milliseconds until a publish that the log has not confirmed is answered with 503',
  },
  retryFirstMs: {
    env: 'HEDDLE_RETRY_FIRST_MS',
    schema: milliseconds.default(1000),
    about:
      'milliseconds until the second attempt of a delivery, where a queue does not say; each further delay is twice the one before',
  },
  retryCapMs: {
    env: 'HEDDLE_RETRY_CAP_MS',
    schema: milliseconds.default(3 * 3_600_000),
    about: 'milliseconds between two attempts at most, where a queue does not say',
  },
  retryAttempts: {
    env: 'HEDDLE_RETRY_ATTEMPTS',
    schema: countSchema(1, 1000).default(30),
    about: 'attempts before a delivery is given up, where a queue does not say; 30 take about two days',
  },
  retryMaxAgeHours: {
    env: 'HEDDLE_RETRY_MAX_AGE_HOURS',
    schema: z.coerce.number().min(0.01).max(720).default(72),
    about:
      'hours after its append at which an event is given up whatever attempts are left, where a queue does not say',
  },
  maxAttemptsInFlight: {
    env: 'HEDDLE_MAX_ATTEMPTS_IN_FLIGHT',
    schema: countSchema(16, 10_000).default(1024),
    about: 'requests to webhooks under way at once, of all webhooks of an instance together',
  },
  ...receiverSettings,
  ...limitSettings,
  ...amqpSettings,
  ...mqttSettings,
  dataDir: {
    env: 'HEDDLE_DATA_DIR',
    schema: z.string().min(1).optional(),
    about:
      'directory of the index that events, attempts and dead letters are looked up by; one process each. A temporary file, and read anew from the log at each start, when not set',
  },
  indexHours: {
    env: 'HEDDLE_INDEX_HOURS',
    schema: z.coerce.number().min(0.1).default(72),
    about: 'hours for which events and attempts can be looked up; the log keeps them by its own rules',
  },
  indexRows: {
    env: 'HEDDLE_INDEX_ROWS',
    schema: countSchema(1000).default(2_000_000),
    about: 'events, and attempts, that the index has at most; the oldest leave it first',
  },
  tailEvents: {
    env: 'HEDDLE_TAIL_EVENTS',
    schema: countSchema(100).default(20_000),
    about: 'recent events kept in memory, from which streams resume without reading the log',
  },
  tailBytes: {
    env: 'HEDDLE_TAIL_BYTES',
    schema: countSchema(1_000_000).default(32_000_000),
    about: 'bytes of data that those events may have together',
  },
});

export type GatewaySettings = SettingsOf<typeof settings>;

function parseOwners(text: string, context: z.RefinementCtx): Map<string, string> {
  const owners = new Map<string, string>();
  for (const part of text.split(',').map((entry) => entry.trim())) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const url = baseUrlSchema.safeParse(part.slice(at + 1));
    if (at < 1 || !url.success) {
      context.addIssue({ code: 'custom', message: `must be name=URL, separated by commas; ${part} is not` });
      return z.NEVER;
    }
    const name = part.slice(0, at);
    owners.set(name.includes('/') ? name : `${LOCAL_TENANT}/${name}`, url.data);
  }
  return owners;
}
