import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { JSON_CONTENT_TYPE, MemoryControlLog, MemoryEventLog, MemorySlotGroup } from '@heddle/event';
import { Health, createHttpApp, createLog, createMetrics, listen } from '@heddle/runtime';
import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayModule } from '../gateway.module.js';
import { Gateway } from '../gateway.js';
import { createGatewayMetrics } from '../metrics.js';
import { protocols } from '../protocols/protocols.js';
import { settings } from '../settings.js';
import { TRIAL_MASTER_KEY } from '../vault/vault-trial.js';

const GUIDE = 'docs/guides/replay.md';
const run = promisify(execFile);

describe('the guide to replay', () => {
  let stop: () => Promise<void>;
  let gateway: Gateway;
  let url: string;

  beforeEach(async () => {
    const registry = new MemorySchemaRegistry();
    await registerSchemas(registry, await loadSchemaFiles('schemas'));
    const codec = new AvroCodec(registry);
    const catalogue = new Catalogue(registry, codec);
    await catalogue.refresh();
    const log = createLog('test', 'silent');
    const metrics = createMetrics('test');
    const values = settings.read({ HEDDLE_MASTER_KEY: TRIAL_MASTER_KEY, PORT: '0' });
    gateway = new Gateway({
      settings: values,
      baseUrl: 'http://gateway.test',
      instanceUrl: 'http://gateway.test',
      slotGroup: new MemorySlotGroup(),
      eventLog: new MemoryEventLog({
        decode: ({ value, attributes }) =>
          attributes.datacontenttype === JSON_CONTENT_TYPE
            ? { data: JSON.parse(Buffer.from(value).toString()) as unknown }
            : codec.decode(value),
      }),
      controlLog: new MemoryControlLog(),
      registry,
      codec,
      catalogue,
      metrics: createGatewayMetrics(metrics),
      log,
    });
    await gateway.start();
    const module = GatewayModule.of(gateway, catalogue, registry as never);
    const app = await createHttpApp(module, { log, health: new Health(), metrics, openApi: {} });
    const { publisher, streams, engine } = gateway;
    const server = app.getHttpAdapter().getInstance();
    const hop = { pipe: () => false };
    const doors = { server, publisher, streams, queues: engine.queues, hop, log };
    const open = protocols.map((protocol) => protocol.open(doors));
    url = await listen(app, { ...values, host: '127.0.0.1' });
    stop = async () => {
      for (const protocol of open) await protocol.close();
      await app.close();
      await gateway.stop();
      catalogue.close();
    };
  });

  afterEach(() => stop());

  it('has a walk that works as it stands', async () => {
    const [walk = '', window = ''] = blocks('sh');
    const { stdout } = await run('sh', ['-c', walk.replace(/^GATEWAY=.*$/m, `GATEWAY=${url}`)]);
    expect(stdout).toContain('"events":1,"isEstimate":false');
    expect(stdout).toContain('"state":"running"');
    expect(stdout).toContain('"attempt":1,"redelivery":"yes","cycle":');
    expect(stdout).toContain('"report":{"taken":1,"accepted":1,"dead":0,"dropped":0}');
    expect(stdout).not.toContain('"code":');
    const [replay] = gateway.engine.replays.list('archive');
    await vi.waitFor(() => expect(gateway.engine.replays.list('archive')[0]?.state).toBe('done'));
    const { stdout: made } = await run('sh', ['-c', window.replaceAll(/http:\/\/127[^/]*/g, url)]);
    expect(made).toContain('"drained":true');
    for (const path of ['/v1/audit?action=queue.replay', '/v1/operations?kind=replay.done']) {
      await vi.waitFor(async () => expect(await ask(path)).toContain(replay!.id), { timeout: 10_000 });
    }
  });

  it('finds events by the index, wherever they stand', async () => {
    const [walk = ''] = blocks('sh');
    const { stdout } = await run('sh', ['-c', walk.replace(/^GATEWAY=.*$/m, `GATEWAY=${url}`)]);
    const id = /"id":"(replay-\d+)"/.exec(stdout)?.[1] ?? '';
    const begun = await post('/v1/queues/archive/replay', { eventIds: [id] });
    expect(begun.status).toBe(202);
    const view = (await begun.json()) as { id: string; progress: { of: number } };
    expect(begun.headers.get('location')).toBe(`/v1/queues/archive/replays/${view.id}`);
    expect(view.progress.of).toBe(1);
    const received = await post('/v1/queues/archive/receive', { waitMs: 5000 });
    expect(await received.json()).toMatchObject({ deliveries: [{ cycle: view.id, event: { id } }] });
    const stopped = await post(`/v1/queues/archive/replays/${view.id}/stop`, {});
    expect(await stopped.json()).toMatchObject({ state: 'stopped' });
    for (const [body, field] of [
      [{ from: 'now' }, 'from'],
      [{ fromm: 'earliest' }, 'fromm'],
      [{ from: 'earliest', eventIds: [] }, 'eventIds'],
      [{ from: 'earliest', filter: [{ exact: {} }] }, 'filter.0.exact'],
      [{}, 'from'],
    ] as const) {
      const refused = await post('/v1/queues/archive/replay', body);
      expect(refused.status).toBe(422);
      expect(await refused.json()).toMatchObject({ field });
    }
    expect((await post('/v1/queues/nothing/replay', { from: 'earliest' })).status).toBe(404);
    expect((await fetch(`${url}/v1/queues/archive/replays/nothing`)).status).toBe(404);
  });

  function blocks(language: string): string[] {
    const guide = readFileSync(GUIDE, 'utf8');
    return [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(([, code]) => code ?? '');
  }

  async function ask(path: string): Promise<string> {
    return (await fetch(url + path)).text();
  }

  function post(path: string, body: unknown): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    return fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  }
});
