/** A queue's definition, as it stands in `heddle.queues` under `queue/<tenant>/<name>`. */
export interface QueueDefinition {
  format: 1;
  tenant: string;
  name: string;
  /** Made anew at each creation, so that a queue of the same name inherits nothing. */
  uuid: string;
  /** Event types, exact or with a trailing wildcard. */
  types: string[];
  order: 'key';
  retry: RetrySchedule;
  /** Where it begins: for each topic, the offset per partition. What is not named begins at its first event. */
  start: Record<string, number[]>;
  createdAt: string;
}

/** Delays grow from `firstMs` by `factor` up to `capMs`; `jitter` is the share that chance may add to each. */
export interface RetrySchedule {
  firstMs: number;
  factor: number;
  capMs: number;
  jitter: number;
}

/** Milliseconds to wait after an attempt (the first is 1) has failed. `chance` is between 0 and 1. */
export function retryDelayMs(schedule: RetrySchedule, attempt: number, chance: number): number {
  const grown = schedule.firstMs * schedule.factor ** Math.max(0, attempt - 1);
  return Math.round(Math.min(schedule.capMs, grown) * (1 + schedule.jitter * chance));
}
