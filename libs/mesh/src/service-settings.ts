import { LOCAL_TENANT } from '@heddle/event';
import {
  type Settings,
  type SettingsOf,
  countSchema,
  gatewayTokenSettings,
  meshSettings,
  portSchema,
} from '@heddle/runtime';
import { z } from 'zod';

/** The settings every microservice has, with the port and the event source that are its own by default. */
export function serviceSettings({ name, port }: { name: string; port: number }) {
  return {
    ...meshSettings,
    port: { env: 'PORT', schema: portSchema.default(port), about: 'TCP port to listen on' },
    databaseUrl: {
      env: 'DATABASE_URL',
      schema: z
        .url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres URL' })
        .default('postgres://heddle:heddle@127.0.0.1:5433'),
      about: 'PostgreSQL server; the service makes and uses a database of its own there',
      secret: true,
    },
    databasePool: {
      env: 'DATABASE_POOL',
      schema: countSchema(2).default(10),
      about: 'connections to the database at most, the one of the outbox relay counted in',
    },
    eventSource: {
      env: 'EVENT_SOURCE',
      schema: z.string().min(1).default(`/heddle/${name}`),
      about: 'source attribute of the events raised here, a URI reference',
    },
    topicPartitions: {
      env: 'HEDDLE_TOPIC_PARTITIONS',
      schema: countSchema(1, 1000).default(12),
      about: 'partitions of object topics that this process creates; fixed for life once there',
    },
    tenant: {
      env: 'HEDDLE_TENANT',
      schema: z
        .string()
        .regex(/^(?!heddle$)[a-z][a-z0-9-]{0,30}$/, 'must be the name of a tenant: a-z, 0-9 and hyphens, 31 at most')
        .default(LOCAL_TENANT),
      about: 'tenant whose objects these are; to clients of others there is nothing here',
    },
    inboxDays: {
      env: 'HEDDLE_INBOX_DAYS',
      schema: z.coerce.number().min(1).max(3650).default(30),
      about: 'days that the inbox knows which events were handled; one that comes again later has another effect',
    },
    ...gatewayTokenSettings,
    clientId: {
      env: 'HEDDLE_CLIENT_ID',
      schema: z.string().min(1).optional(),
      about: 'client of this process, with which it calls others',
    },
    clientSecret: {
      env: 'HEDDLE_CLIENT_SECRET',
      schema: z.string().min(1).optional(),
      about: 'secret of that client',
      secret: true,
    },
  };
}

/** The values of {@link serviceSettings}. */
export type ServiceSettings = SettingsOf<Settings<ReturnType<typeof serviceSettings>>>;
