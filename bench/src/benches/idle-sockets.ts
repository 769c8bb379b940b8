import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@heddle/infra';
import type { Bench } from '../bench.js';
import { collectGarbage } from '../inspected.js';
import { costOf } from '../process-cost.js';
import { atMost } from '../report.js';
import { EVENT_TYPE } from '../sample-event.js';
import type { WebsocketSinks } from '../workers/websocket-sinks.js';

const KIBIBYTE = 1024;
/** Memory counts as settled when it has changed by less than this in a second. */
const SETTLED_BYTES = 256 * KIBIBYTE;
const PATIENCE_MS = 15_000;

/** What a WebSocket that waits for events costs the gateway in memory. */
export const idleSockets: Bench = {
  name: 'idle-sockets',
  measures: 'memory of the gateway for each WebSocket that waits for events',
  options: {
    sockets: { default: 8000, about: 'WebSockets' },
    before: { default: 1000, about: 'WebSockets opened and closed again beforehand' },
    seconds: { default: 5, about: 'seconds of doing nothing whose processor time is read' },
  },
  async run({ ground, report, size, measuredEnv }) {
    const inspectPort = await freePort();
    const inspect = `${measuredEnv['NODE_OPTIONS'] ?? ''} --inspect=127.0.0.1:${inspectPort}`;
    const { pid } = await ground.app('gateway', { ...measuredEnv, NODE_OPTIONS: inspect });
    const sinks = ground.worker<WebsocketSinks>('websocket-sinks');
    const door = await ground.door();
    const open = (sockets: number) =>
      sinks.ask('open', {
        ...door,
        path: `/v1/stream?types=${EVENT_TYPE}`,
        sockets,
        sampleEvery: Number.MAX_SAFE_INTEGER,
      });
    await open(size('before'));
    await sinks.ask('close', undefined);
    const empty = await settledRss(pid, inspectPort);
    await open(size('sockets'));
    const atOnce = costOf(pid).rssBytes;
    const settled = await settledRss(pid, inspectPort);
    const cpuBefore = costOf(pid).cpuSeconds;
    await delay(size('seconds') * 1000);
    const cpuSeconds = costOf(pid).cpuSeconds - cpuBefore;
    const { cut } = await sinks.ask('until', { messages: 0, timeoutMs: 0 });
    if (cut > size('before')) report.fault(`${cut - size('before')} connections were cut`);

    report.section(`${size('sockets')} WebSockets with a filter on one type`);
    const each = (bytes: number): number => (bytes - empty) / size('sockets') / KIBIBYTE;
    report.figure({ label: 'memory (RSS) of a socket', values: [each(settled)], unit: 'KiB', target: atMost(16) });
    report.figure({ label: 'before garbage is collected', values: [each(atOnce)], unit: 'KiB' });
    for (const [label, bytes] of Object.entries({ without: empty, with: settled })) {
      report.figure({ label: `memory (RSS) ${label} them`, values: [bytes / KIBIBYTE / KIBIBYTE], unit: 'MiB' });
    }
    report.figure({
      label: 'processor time',
      values: [(cpuSeconds / size('seconds')) * 100],
      unit: '% of a processor',
    });
  },
};

/** Collects garbage until memory stays as it is. */
async function settledRss(pid: number, inspectPort: number): Promise<number> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let before = Infinity; ;) {
    await collectGarbage(inspectPort);
    const { rssBytes } = costOf(pid);
    if (Math.abs(before - rssBytes) < SETTLED_BYTES || performance.now() > deadline) return rssBytes;
    before = rssBytes;
    await delay(1000);
  }
}
