import { type Bench, type BenchContext, repeated, runOptions } from '../bench.js';
import { Latencies } from '../latencies.js';
import { type Spent, metered, reportCost } from '../meter.js';
import { type Target, atMost } from '../report.js';
import type { Worker } from '../worker.js';
import type { Created, OrderLoad } from '../workers/order-load.js';
import type { WebhookSinkTasks } from '../workers/webhook-sink.js';
import type { WebsocketSinks } from '../workers/websocket-sinks.js';

const TYPE = 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1';
const PATIENCE_MS = 10_000;

interface Run {
  created: Created;
  webhook: Record<string, number>;
  websocket: Record<string, number>;
}

type Line = [label: string, from: 'sent' | 'answered', at: 'answered' | 'webhook' | 'websocket', targets?: Target[]];

/** The road of an event from a REST request to its receivers, through every process of the mesh. */
export const latency: Bench = {
  name: 'latency',
  measures: 'sales order created over REST to its event at a webhook and at a WebSocket',
  options: {
    ...runOptions(10, 3),
    rate: { default: 200, about: 'orders created a second, open loop' },
  },
  async run(context) {
    const { ground, report, size } = context;
    const [, service, gateway] = await Promise.all([
      ground.app('business-partner'),
      ground.app('sales-order'),
      ground.app('gateway', context.measuredEnv),
    ]);
    const parts = await connect(context);
    const run = (seconds: number) =>
      metered(ground, gateway.pid, () =>
        metered(ground, service.pid, () => oneRun(parts, { perSecond: size('rate'), seconds })),
      );
    await run(size('warm-up'));
    const runs = await repeated(size('runs'), () => run(size('seconds')));

    report.section(`${size('rate')} orders a second, a webhook and a WebSocket receive their events`);
    const results = runs.map(({ result }) => result.result);
    const lines: Line[] = [
      ['create, sent to webhook', 'sent', 'webhook', [atMost(6), atMost(30)]],
      ['create, sent to WebSocket', 'sent', 'websocket'],
      ['create, sent to answer', 'sent', 'answered'],
      ['create, answer to webhook', 'answered', 'webhook'],
      ['create, answer to WebSocket', 'answered', 'websocket'],
    ];
    for (const [label, from, at, targets] of lines) {
      for (const [index, percent] of [50, 99].entries()) {
        const values = results.map((each) => between(each, from, at).percentileMs(percent));
        report.figure({ label: `${label} p${percent}`, values, unit: 'ms', target: targets?.[index] });
      }
    }
    const counts = results.map(({ created }) => Object.keys(created).length);
    const spent: Spent[] = runs.map((each) => each.spent);
    reportCost(report, 'gateway', spent, counts, 'orders');
    const services = runs.map(({ result }) => ({ ...result.spent, others: {} }));
    reportCost(report, 'sales-order', services, counts, 'orders');
    for (const [index, { webhook, websocket }] of results.entries()) {
      for (const [name, arrivals] of Object.entries({ webhook, websocket })) {
        const missing = (counts[index] ?? 0) - Object.keys(arrivals).length;
        if (missing > 0) report.fault(`${missing} events did not come at the ${name}`);
      }
    }
  },
};

interface Parts {
  load: Worker<OrderLoad>;
  hook: Worker<WebhookSinkTasks>;
  socket: Worker<WebsocketSinks>;
}

async function connect({ ground }: BenchContext): Promise<Parts> {
  const load = ground.worker<OrderLoad>('order-load');
  const hook = ground.worker<WebhookSinkTasks>('webhook-sink');
  const socket = ground.worker<WebsocketSinks>('websocket-sinks');
  const url = await hook.ask('listen', undefined);
  const [client, door] = await Promise.all([ground.client(), ground.door()]);
  // In binary mode, the sink finds the key in a header.
  await client.put('webhooks', 'bench', { types: [TYPE], url, contentMode: 'binary' });
  await socket.ask('open', { ...door, path: `/v1/stream?types=${TYPE}`, sockets: 1, sampleEvery: 1 });
  const urls = { partners: ground.url('business-partner'), orders: ground.url('sales-order') };
  await load.ask('prepare', { ...urls, authorization: door.authorization });
  return { load, hook, socket };
}

async function oneRun({ load, hook, socket }: Parts, orders: Parameters<OrderLoad['create']>[0]): Promise<Run> {
  await Promise.all([hook.ask('begin', undefined), socket.ask('begin', undefined)]);
  const created = await load.ask('create', orders);
  const count = Object.keys(created).length;
  const [webhook] = await Promise.all([
    hook.ask('until', { keys: count, timeoutMs: PATIENCE_MS }),
    socket.ask('until', { messages: count, timeoutMs: PATIENCE_MS }),
  ]);
  return { created, webhook, websocket: await socket.ask('arrivals', undefined) };
}

/** How long each order took from one point of its road to another; those that did not arrive are left out. */
function between({ created, webhook, websocket }: Run, from: Line[1], at: Line[2]): Latencies {
  const latencies = new Latencies();
  for (const [key, times] of Object.entries(created)) {
    const end = at === 'answered' ? times.answered : (at === 'webhook' ? webhook : websocket)[key];
    if (end !== undefined) latencies.record(end - times[from]);
  }
  return latencies;
}
