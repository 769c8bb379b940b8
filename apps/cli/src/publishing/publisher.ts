import { setTimeout as delay } from 'node:timers/promises';
import { HeddleError, type Problem } from '@heddle/event';
import type { Gateway } from '../gateway.js';
import type { EventJson } from './event-template.js';
import { textOf } from '../output/text.js';

/** What became of one event. */
export interface PublishResult {
  id: string;
  type: string;
  status: number;
  topic?: string;
  partition?: number;
  offset?: number;
  duplicate?: boolean;
  problem?: Problem;
}

export interface PublishPace {
  /** Events a second, at most. */
  rate: number | undefined;
  signal: AbortSignal;
  /** Hears of each batch when it goes out; what it returns is called when the batch was answered. */
  onBatch?: (events: readonly EventJson[]) => () => void;
}

/** As many in one request as keeps it well under the limits of a body. */
const BATCH = 200;
const BATCH_BYTES = 500_000;

/**
 * Publishes events in their order, batch after batch. What is refused does not hold up the rest.
 *
 * @throws HeddleError when a whole batch is refused, or the gateway does not answer; what was accepted before stays so
 */
export async function publishAll(
  gateway: Gateway,
  events: Iterable<EventJson>,
  { rate, signal, onBatch }: PublishPace,
): Promise<PublishResult[]> {
  const all: PublishResult[] = [];
  const begun = performance.now();
  const most = rate === undefined ? BATCH : Math.max(1, Math.min(BATCH, Math.floor(rate / 10)));
  for (const batch of batches(events, most)) {
    if (rate !== undefined) {
      const waitMs = begun + (all.length / rate) * 1000 - performance.now();
      if (waitMs > 0) await delay(waitMs, undefined, { signal });
    }
    const done = onBatch?.(batch);
    all.push(...(await publishBatch(gateway, batch).catch((error: unknown) => giveUp(error, all))));
    done?.();
  }
  return all;
}

/** Whoever publishes the rest has to know where that begins. */
function giveUp(error: unknown, before: readonly PublishResult[]): never {
  if (!(error instanceof HeddleError) || before.length === 0) throw error;
  const { code, message, field, fields } = error;
  throw new HeddleError(code, `${message} The ${before.length} events before were answered.`, {
    ...(field === undefined ? {} : { field }),
    ...(fields === undefined ? {} : { fields }),
    cause: error,
  });
}

async function publishBatch(gateway: Gateway, events: readonly EventJson[]): Promise<PublishResult[]> {
  const answer = await gateway.request('POST', '/v1/events', {
    headers: { 'content-type': 'application/cloudevents-batch+json' },
    body: JSON.stringify(events),
  });
  const { results } = answer.json as { results: Omit<PublishResult, 'type'>[] };
  return results.map((result, index) => ({
    ...result,
    id: result.id ?? textOf(events[index]?.['id']),
    type: textOf(events[index]?.['type']),
  }));
}

function* batches(events: Iterable<EventJson>, most: number): Generator<EventJson[]> {
  let batch: EventJson[] = [];
  let bytes = 0;
  for (const event of events) {
    const size = JSON.stringify(event).length;
    if (batch.length > 0 && (batch.length >= most || bytes + size > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(event);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** The refusal that stands for all, where all were refused for the same reason. */
export function commonRefusal(results: readonly PublishResult[]): HeddleError | undefined {
  const codes = new Set(results.map(({ problem }) => problem?.code));
  const [code] = codes;
  if (codes.size !== 1 || code === undefined) return undefined;
  return new HeddleError(code, results[0]?.problem?.detail ?? '');
}
