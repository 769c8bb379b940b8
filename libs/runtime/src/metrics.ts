import { Registry, collectDefaultMetrics } from 'prom-client';

/** The metrics of a process; names begin with `heddle_`, times are in seconds, sizes in bytes. */
export function createMetrics(service: string): Registry {
  const metrics = new Registry();
  metrics.setDefaultLabels({ service });
  collectDefaultMetrics({ register: metrics });
  return metrics;
}
