import { z } from 'zod';
import { metricsSettings } from './metrics-access.js';
import { tlsSettings } from './tls.js';
import { proxySettings } from './trusted-proxies.js';

/** A whole number within bounds, as a setting has it. */
export const countSchema = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  z.coerce.number().int().min(least).max(most);

/** A TCP port; 0 lets the system choose one. */
export const portSchema = z.coerce
  .number('must be a number')
  .int('must be a whole number')
  .min(0, 'must be 0 to 65535')
  .max(65_535, 'must be 0 to 65535');

const urlSchema = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });

/** An http(s) URL without a slash at its end. */
export const baseUrlSchema = urlSchema.transform((url) => url.replace(/\/+$/, ''));

/** The settings every process of the mesh has. */
export const meshSettings = {
  host: { env: 'HOST', schema: z.string().default('127.0.0.1'), about: 'address to listen on' },
  kafkaBrokers: {
    env: 'KAFKA_BROKERS',
    schema: z
      .string()
      .default('127.0.0.1:9092')
      .transform((text) => text.split(',').map((broker) => broker.trim())),
    about: 'Kafka brokers as host:port, separated by commas',
  },
  registryUrl: {
    env: 'SCHEMA_REGISTRY_URL',
    schema: baseUrlSchema.default('http://127.0.0.1:8181/apis/ccompat/v7'),
    about: 'URL of a schema registry that speaks the Confluent API',
  },
  ...tlsSettings,
  ...proxySettings,
  ...metricsSettings,
  logLevel: {
    env: 'LOG_LEVEL',
    schema: z
      .enum(['debug', 'info', 'warn', 'error', 'silent'], 'must be debug, info, warn, error or silent')
      .default('info'),
    about: 'least level that is logged',
  },
} as const;
