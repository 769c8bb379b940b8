import type { Probe } from './probe.js';

/** Where the foreign clients find broker and registry. */
export interface Ground {
  kafkaBrokers: string[];
  registryUrl: string;
}

/** An event to be written by somebody who has nothing of ours. */
export interface Order {
  id: string;
  type: string;
  key: string;
  data: Probe;
  mode?: 'binary' | 'json' | 'avro';
  compression?: string;
}

/** What a foreign client says of the records of a topic, each as an event. */
export interface Found {
  partition: number;
  offset: number;
  key: string;
  attributes: Record<string, string>;
  data: unknown;
}

/** A Kafka client that has nothing of ours: it knows the broker, the registry, and what the specifications say. */
export interface ForeignClient {
  name: string;
  /** Nothing when it can be run here, else what is missing. */
  missing?: string | undefined;
  /** The modes it writes events in; the first is what it does without being told. */
  modes: readonly NonNullable<Order['mode']>[];
  compressions: readonly string[];
  /** Every record that a topic has now. */
  read(topic: string): Promise<Found[]>;
  /** Resolves with the partition of each event, by its id, when all are acknowledged. */
  write(topic: string, subject: string, orders: readonly Order[]): Promise<Map<string, number>>;
}
