import { type Bench, runOptions } from '../bench.js';
import { fillTopic } from '../fill-topic.js';
import type { EndpointSink } from '../workers/endpoint-sink.js';
import { killed } from './webhooks/crash.js';
import type { Parts } from './webhooks/deliveries.js';
import { latencies, slowNeighbour } from './webhooks/latency.js';
import { mixedHealth, unevenLoad } from './webhooks/thousand.js';
import { ceiling, fromTopic, orders, published, toTen } from './webhooks/throughput.js';

/** Delivery to webhooks: what endpoints get of a backlog and of what is published, how late, and beside bad neighbours. */
export const webhooks: Bench = {
  name: 'webhooks',
  measures: 'events of a topic, or published over HTTP, to webhooks: signed, and durable when they are settled',
  parts: ['sink', 'topic', 'order', 'publish', 'latency', 'ten', 'zipf', 'slow', 'mixed', 'kill'],
  options: {
    ...runOptions(8, 3),
    events: { default: 150_000, about: 'events in the topic', quick: 40_000 },
    bytes: { default: 870, about: 'bytes of an event as it would be published; some 150 more as it is delivered' },
    keys: { default: 1000, about: 'business keys, and webhooks where each has a key of its own' },
    'in-flight': { default: 200, about: 'requests to one endpoint at once, at most' },
    connections: { default: 64, about: 'keep-alive connections that publish' },
  },
  async run(context) {
    const { ground, size, wants } = context;
    const running = await ground.app('gateway', context.measuredEnv);
    const sink = ground.worker<EndpointSink>('endpoint-sink');
    const url = await sink.ask('listen', undefined);
    const gateway = { pid: running.pid, door: await ground.door(), client: await ground.client() };
    const parts: Parts = { context, gateway, sink, url };
    await sink.ask('begin', { events: 0, copies: 1, keys: 1 });
    if (wants('sink')) await ceiling(parts);
    // Backlogs first, while the topic has nothing else.
    if (wants('topic') || wants('order')) await fillTopic(context, size('events'));
    if (wants('topic')) await fromTopic(parts);
    if (wants('order')) await orders(parts);
    if (wants('publish')) await published(parts);
    if (wants('latency')) await latencies(parts);
    if (wants('ten')) await toTen(parts);
    if (wants('zipf')) await unevenLoad(parts);
    if (wants('slow')) await slowNeighbour(parts);
    if (wants('mixed')) await mixedHealth(parts);
    // Last, because the process is another afterwards.
    if (wants('kill')) await killed(parts, running);
  },
};
