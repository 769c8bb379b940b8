import { type Bench, runOptions } from '../bench.js';
import { atLeast } from '../report.js';
import { type Manner, measurePublishing } from './publish.js';

/** Publishing as clients of SAP Event Mesh do, beside our own door in the same run. */
export const messagingrest: Bench = {
  name: 'messagingrest',
  measures: 'HTTP to topic, POST /messagingrest/v1/topics/{topic}/messages, answered when all in-sync replicas have it',
  options: {
    ...runOptions(5, 3),
    connections: { default: 64, about: 'keep-alive connections' },
    bytes: { default: 500, about: 'bytes of a message' },
    keys: { default: 1000, about: 'business keys' },
  },
  async run(context) {
    const { ground, size } = context;
    const gateway = await ground.app('gateway', context.measuredEnv);
    const through = { name: 'gateway', pid: gateway.pid, ...(await ground.door()) };
    const one = { connections: size('connections'), perRequest: 1 };
    const targets = { rate: atLeast(12_000) };
    const manners: Manner[] = [
      { ...one, ...targets, about: 'to a topic that no event type knows', at: 'rawTopic' },
      { ...one, ...targets, about: 'to the topic of an event type, checked against its schema', at: 'typeTopic' },
      { ...one, about: 'the same event at /v1/events' },
    ];
    for (const manner of manners) await measurePublishing(context, through, manner);
  },
};
