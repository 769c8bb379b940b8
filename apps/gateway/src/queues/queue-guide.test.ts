import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { MemoryControlLog, MemoryEventLog, MemorySlotGroup } from '@heddle/event';
import { Health, createHttpApp, createLog, createMetrics, listen } from '@heddle/runtime';
import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayModule } from '../gateway.module.js';
import { Gateway } from '../gateway.js';
import { createGatewayMetrics } from '../metrics.js';
import { protocols } from '../protocols/protocols.js';
import { settings } from '../settings.js';
import { TRIAL_MASTER_KEY } from '../vault/vault-trial.js';

const GUIDE = 'docs/guides/queues.md';
const run = promisify(execFile);

describe('the guide to queues', () => {
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
      eventLog: new MemoryEventLog({ decode: ({ value }) => codec.decode(value) }),
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
    const walk = /```sh\n([^]*?)```/.exec(readFileSync(GUIDE, 'utf8'))?.[1] ?? '';
    const here = walk.replace(/^GATEWAY=.*$/m, `GATEWAY=${url}`);
    const { stdout } = await run('sh', ['-c', here]);
    expect(stdout).toContain('"duplicate":false');
    expect(stdout).toContain('"attempt":1,"redelivery":"no"');
    expect(stdout).toContain('"state":"released","dueAt":');
    expect(stdout).toContain('"attempt":2,"redelivery":"yes"');
    expect(stdout).toContain('"state":"accepted"');
    expect(stdout).not.toContain('"code":');
    expect(gateway.engine.queues.get('contracts').statistics).toMatchObject({
      ready: 0,
      leased: 0,
      waiting: 0,
      lag: 0,
    });
  });
});
