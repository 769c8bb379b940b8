import type { Admin, Kafka, LogEntry } from 'kafkajs';
import { kafkajs } from './kafkajs.js';

/** Where log lines go: a level, an event name such as `append.failed`, and its fields. */
export type LogLine = (
  level: 'debug' | 'info' | 'warn' | 'error',
  event: string,
  fields: Record<string, unknown>,
) => void;

/** How Kafka is reached. */
export interface KafkaConnection {
  /** `host:port` of some brokers; the others are learned from them. */
  brokers: readonly string[];
  /** How the client is called in the broker's logs and quotas. */
  clientId: string;
  log?: LogLine;
}

/**
 * Short retries inside kafkajs: what lasts longer is retried by us, with a bound and a fresh client, for kafkajs' own
 * loops reconnect a client that was given up.
 */
export const CLIENT_RETRY = {
  retries: 4,
  initialRetryTime: 50,
  multiplier: 2,
  maxRetryTime: 500,
  factor: 0.2,
} as const;

/** The longest a single request may take before its connection counts as dead. */
const REQUEST_TIMEOUT_MS = 10_000;

export const silent: LogLine = () => undefined;

export function createKafka(connection: KafkaConnection): Kafka {
  const log = connection.log ?? silent;
  return new kafkajs.Kafka({
    brokers: [...connection.brokers],
    clientId: connection.clientId,
    connectionTimeout: 3000,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: CLIENT_RETRY,
    logLevel: kafkajs.logLevel.WARN,
    // What kafkajs calls an error is mostly a retry; our own lines say what it came to.
    logCreator: () => (entry: LogEntry) => {
      const { message, timestamp: _, logger: __, stack: ___, ...fields } = entry.log;
      log('debug', 'kafka.client', { ...fields, message, part: entry.namespace, kafkaLevel: entry.label });
    },
  });
}

/** An admin client that replaces itself after an error, so that a broker restart costs one failed call at most. */
export class AdminClient {
  private admin: Promise<Admin> | undefined;

  constructor(private readonly kafka: Kafka) {}

  async use<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const connected = (this.admin ??= this.connect());
    try {
      return await work(await connected);
    } catch (error) {
      if (this.admin === connected) {
        this.admin = undefined;
        connected.then((admin) => admin.disconnect()).catch(() => undefined);
      }
      throw error;
    }
  }

  async close(): Promise<void> {
    const admin = this.admin;
    this.admin = undefined;
    await admin?.then((connected) => connected.disconnect()).catch(() => undefined);
  }

  private async connect(): Promise<Admin> {
    const admin = this.kafka.admin({ retry: CLIENT_RETRY });
    await admin.connect();
    return admin;
  }
}
