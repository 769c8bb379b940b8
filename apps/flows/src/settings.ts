import { LOCAL_TENANT } from '@heddle/event';
import { countSchema, defineSettings, gatewayTokenSettings, meshSettings, portSchema } from '@heddle/runtime';
import { z } from 'zod';

const { host, tls, tlsCert, tlsKey, trustedProxies, metrics, metricsToken, logLevel } = meshSettings;

/** Every setting of the runner of flows, without the credentials that its flows name. */
export const flowSettings = {
  host,
  port: { env: 'PORT', schema: portSchema.default(8104), about: 'TCP port to listen on' },
  tls,
  tlsCert,
  tlsKey,
  trustedProxies,
  metrics,
  metricsToken,
  logLevel,
  flowsDir: {
    env: 'HEDDLE_FLOWS_DIR',
    schema: z.string().min(1).default('examples/flows'),
    about: 'folder whose YAML files declare the flows',
  },
  dataDir: {
    env: 'HEDDLE_FLOWS_DATA_DIR',
    schema: z.string().min(1).default('.heddle/flows'),
    about: 'directory in which the monitor of messages is kept; one process each',
  },
  messageDays: {
    env: 'HEDDLE_MESSAGE_DAYS',
    schema: z.coerce.number().min(1).max(3650).default(30),
    about: 'days that the monitor keeps messages in a final state',
  },
  staleMs: {
    env: 'HEDDLE_MESSAGE_STALE_MS',
    schema: countSchema(500, 3_600_000).default(60_000),
    about: 'milliseconds after which the gateway is asked what became of a message that nothing is heard of',
  },
  receiverHttp: {
    env: 'HEDDLE_FLOWS_HTTP',
    schema: z
      .enum(['true', 'false'], 'must be true or false')
      .default('false')
      .transform((text) => text === 'true'),
    about:
      'true to hand messages to receivers over http, too, where anybody on the way can read them and the credentials',
  },
  ...gatewayTokenSettings,
  tenant: {
    env: 'HEDDLE_TENANT',
    schema: z.string().min(1).default(LOCAL_TENANT),
    about: 'tenant whose objects these are; to clients of others there is nothing here',
  },
  clientId: {
    env: 'HEDDLE_CLIENT_ID',
    schema: z.string('is needed: the client of the gateway that flows run as').min(1),
    about: 'client of this process, with which it calls others',
  },
  clientSecret: {
    env: 'HEDDLE_CLIENT_SECRET',
    schema: z.string('is needed').min(1),
    about: 'secret of that client',
    secret: true,
  },
};

export const settings = defineSettings(flowSettings);
