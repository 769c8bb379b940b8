import { Counter, Gauge, type Registry } from 'prom-client';
import { SecondsHistogram } from './seconds-histogram.js';

/** The metrics of the gateway. */
export interface GatewayMetrics {
  published: Counter<'outcome'>;
  attempts: Counter<'outcome'>;
  attemptSeconds: SecondsHistogram;
  deliverySeconds: SecondsHistogram;
  fetches: Counter<'outcome'>;
  filterErrors: Counter;
}

/** What is read when the metrics are asked for. */
export interface GatewayReadings {
  dispatched(): number;
  streams(): { open: number; live: number; lags: number };
  held(): number;
  setAside(): number;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

export function createGatewayMetrics(registry: Registry): GatewayMetrics {
  const registers = [registry];
  return {
    published: new Counter({
      name: 'heddle_published_events_total',
      help: 'Events handed to the gateway, by outcome: accepted, duplicate, or the code of the refusal',
      labelNames: ['outcome'],
      registers,
    }),
    attempts: new Counter({
      name: 'heddle_webhook_attempts_total',
      help: 'Attempts to deliver an event to a webhook',
      labelNames: ['outcome'],
      registers,
    }),
    attemptSeconds: new SecondsHistogram({
      name: 'heddle_webhook_attempt_seconds',
      help: 'How long one attempt took',
      buckets: SECONDS,
      registry,
    }),
    deliverySeconds: new SecondsHistogram({
      name: 'heddle_webhook_delivery_seconds',
      help: 'From the append to the log to the acceptance by a webhook',
      buckets: SECONDS,
      registry,
    }),
    fetches: new Counter({
      name: 'heddle_object_fetches_total',
      help: 'Requests for objects by reference, by status class; joined ones shared the answer of another',
      labelNames: ['outcome'],
      registers,
    }),
    filterErrors: new Counter({
      name: 'heddle_filter_errors_total',
      help: 'Events that a filter could not decide on, for data it has not or too many steps; they did not match',
      registers,
    }),
  };
}

/** Adds what is read at the time of asking. */
export function addReadings(registry: Registry, readings: GatewayReadings): void {
  const gauges: [name: string, help: string, read: () => number][] = [
    ['heddle_dispatched_events', 'Events read from the log and dispatched since the start', readings.dispatched],
    ['heddle_streams_open', 'Open streams', () => readings.streams().open],
    ['heddle_streams_live', 'Streams at the live end of the log', () => readings.streams().live],
    ['heddle_stream_lags', 'How often a stream fell behind, since the start', () => readings.streams().lags],
    ['heddle_queue_held_events', 'Events held by queues and not yet settled', readings.held],
    ['heddle_set_aside_records', 'Records that were no events and were set aside since the start', readings.setAside],
  ];
  for (const [name, help, read] of gauges) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  }
}
