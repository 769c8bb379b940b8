import { resolve } from 'node:path';
import { baseUrlSchema, defineSettings, portSchema } from '@heddle/runtime';
import { z } from 'zod';
import { CHECKOUT } from './checkout.mjs';

const port = (fallback: number): z.ZodType<number> => portSchema.default(fallback) as z.ZodType<number>;

/** The settings of `npm start`; those of the processes it starts pass through to them. */
export const launchSettings = defineSettings({
  dataDir: {
    env: 'HEDDLE_DATA',
    schema: z
      .string()
      .default('.heddle')
      .transform((path) => resolve(CHECKOUT, path)),
    about: 'folder of data and logs',
  },
  kafkaBrokers: {
    env: 'KAFKA_BROKERS',
    schema: z.string().optional(),
    about: 'brokers that run elsewhere; none is started then',
  },
  registryUrl: {
    env: 'SCHEMA_REGISTRY_URL',
    schema: baseUrlSchema.optional(),
    about: 'a schema registry that runs elsewhere; none is started then',
  },
  databaseUrl: {
    env: 'DATABASE_URL',
    schema: z.string().optional(),
    about: 'a PostgreSQL server that runs elsewhere; none is started then',
    secret: true,
  },
  gatewayPort: { env: 'GATEWAY_PORT', schema: port(8080), about: 'port of the gateway' },
  salesOrderPort: { env: 'SALES_ORDER_PORT', schema: port(8101), about: 'port of sales-order' },
  businessPartnerPort: { env: 'BUSINESS_PARTNER_PORT', schema: port(8102), about: 'port of business-partner' },
  contractPort: { env: 'CONTRACT_PORT', schema: port(8103), about: 'port of contract' },
  registryPort: { env: 'REGISTRY_PORT', schema: port(8181), about: 'port of the schema registry' },
  kafkaPort: { env: 'KAFKA_PORT', schema: port(9092), about: 'port of the broker' },
  kafkaControllerPort: { env: 'KAFKA_CONTROLLER_PORT', schema: port(9093), about: "port of the broker's controller" },
  databasePort: { env: 'DATABASE_PORT', schema: port(5433), about: 'port of PostgreSQL' },
  tls: {
    env: 'HEDDLE_TLS',
    schema: z.string().optional(),
    about: 'own is refused: everything is on this machine, over HTTP, and a certificate would be shown to nobody',
  },
});

/** Reads them; variables of others, whatever their prefix, are for the processes that know them. */
export function readLaunchSettings(): ReturnType<(typeof launchSettings)['read']> {
  return launchSettings.read(Object.fromEntries(launchSettings.keys.map((key) => [key, process.env[key]])));
}

export type LaunchSettings = ReturnType<typeof readLaunchSettings>;
