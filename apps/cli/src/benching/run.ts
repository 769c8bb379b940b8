import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Gateway } from '../gateway.js';
import type { EventJson } from '../publishing/event-template.js';
import { publishAll } from '../publishing/publisher.js';
import { eventStream } from '../tailing/event-stream.js';
import { type Latencies, latenciesOf } from './figures.js';

export interface BenchWish {
  /** An event of the type to publish; each gets an id, a source and a key of this run. */
  sample: EventJson;
  keyField: string;
  events: number;
  ratePerSecond: number;
  keys: number;
  /** After the last one is published, so long is waited for those that have not arrived. */
  waitMs: number;
  signal: AbortSignal;
}

export interface BenchFigures {
  type: string;
  published: number;
  accepted: number;
  refused: number;
  arrived: number;
  missing: number;
  /** Arrivals beyond the first of an event. */
  repeats: number;
  seconds: number;
  publishedPerSecond: number;
  arrivedPerSecond: number;
  /** From the request with the event to its answer: in the log of all in-sync replicas. */
  publishMs: Latencies | undefined;
  /** From the request with the event to its arrival on a stream. */
  arrivalMs: Latencies | undefined;
}

/** Publishes at a rate and watches for what it has published on a stream of its own. */
export async function runBench(gateway: Gateway, wish: BenchWish): Promise<BenchFigures> {
  const source = `/heddle/cli/bench/${randomUUID()}`;
  const sentAt = new Map<string, number>();
  const arrivals = new Map<string, number>();
  let repeats = 0;
  const ending = new AbortController();
  const opened = Promise.withResolvers<void>();
  const type = String(wish.sample['type']);
  const watching = watch(gateway, {
    type,
    signal: AbortSignal.any([wish.signal, ending.signal]),
    onOpened: opened.resolve,
    onEvent: (event) => {
      if (event['source'] !== source) return;
      const id = String(event['id']);
      if (arrivals.has(id)) repeats += 1;
      else arrivals.set(id, performance.now());
    },
  });
  // Its failure is heard of below, or here when it fails before it was open.
  await Promise.race([opened.promise, watching]);
  const begun = performance.now();
  const publishMs: number[] = [];
  const results = await publishAll(gateway, eventsOf(wish, source), {
    rate: wish.ratePerSecond,
    signal: wish.signal,
    onBatch: (batch) => {
      const at = performance.now();
      for (const { id } of batch) sentAt.set(String(id), at);
      return () => publishMs.push(...batch.map(() => performance.now() - at));
    },
  });
  const publishSeconds = (performance.now() - begun) / 1000;
  const accepted = results.filter(({ problem }) => problem === undefined);
  const giveUpAt = performance.now() + wish.waitMs;
  while (accepted.some(({ id }) => !arrivals.has(id)) && performance.now() < giveUpAt) {
    await delay(20, undefined, { signal: wish.signal });
  }
  ending.abort();
  await watching;
  const last = Math.max(begun, ...arrivals.values());
  const seconds = Math.max(publishSeconds, (last - begun) / 1000);
  const arrived = accepted.filter(({ id }) => arrivals.has(id)).length;
  return {
    type,
    published: results.length,
    accepted: accepted.length,
    refused: results.length - accepted.length,
    arrived,
    missing: accepted.length - arrived,
    repeats,
    seconds: rounded(seconds),
    publishedPerSecond: rounded(results.length / publishSeconds),
    arrivedPerSecond: rounded(arrived / seconds),
    publishMs: latenciesOf(publishMs),
    arrivalMs: latenciesOf([...arrivals].map(([id, at]) => at - (sentAt.get(id) ?? at))),
  };
}

async function watch(
  gateway: Gateway,
  {
    type,
    signal,
    onOpened,
    onEvent,
  }: {
    type: string;
    signal: AbortSignal;
    onOpened: () => void;
    onEvent: (event: Record<string, unknown>) => void;
  },
): Promise<void> {
  for await (const { event } of eventStream(gateway, { types: [type], start: 'now', signal, onOpened })) onEvent(event);
}

function* eventsOf({ sample, keyField, events, keys }: BenchWish, source: string): Generator<EventJson> {
  const run = source.slice(-6);
  for (let n = 0; n < events; n += 1) {
    const key = `B${run}-${n % keys}`;
    const data = { ...(sample['data'] as Record<string, unknown>), [keyField]: key };
    yield { ...sample, id: randomUUID(), source, subject: key, data };
  }
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
