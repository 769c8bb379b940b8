import 'reflect-metadata';
import { type Caller, guardRoutes } from '@heddle/auth';
import { JSON_CONTENT_TYPE, MemoryControlLog, MemoryEventLog, MemorySlotGroup } from '@heddle/event';
import { Health, createHttpApp, createLog, createMetrics, listen } from '@heddle/runtime';
import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import { Gateway } from './gateway.js';
import { GatewayModule } from './gateway.module.js';
import { TrialGuard } from './identity/identity-trial.js';
import { Identity } from './identity/identity.js';
import { InterimSealer } from './identity/interim-sealer.js';
import { createGatewayMetrics } from './metrics.js';
import { protocols } from './protocols/protocols.js';
import { Sessions } from './protocols/sessions.js';
import { settings } from './settings.js';

/** What a request was answered with; `text` is its body as it came. */
export interface TrialAnswer {
  status: number;
  text: string;
  json: Record<string, unknown>;
}

/** A whole gateway on logs in memory, listening with all its doors; whoever has a token of its guard comes in. */
export class GatewayTrial {
  private constructor(
    readonly gateway: Gateway,
    readonly guard: TrialGuard,
    readonly catalogue: Catalogue,
    readonly registry: MemorySchemaRegistry,
    readonly eventLog: MemoryEventLog,
    readonly url: string,
    readonly stop: () => Promise<void>,
  ) {}

  static async start(environment: Record<string, string> = {}): Promise<GatewayTrial> {
    const registry = new MemorySchemaRegistry();
    await registerSchemas(registry, await loadSchemaFiles('schemas'));
    const codec = new AvroCodec(registry);
    const catalogue = new Catalogue(registry, codec);
    await catalogue.refresh();
    const log = createLog('test', 'silent');
    const metrics = createMetrics('test');
    const values = settings.read({ PORT: '0', ...environment });
    const guard = new TrialGuard();
    const eventLog = new MemoryEventLog({
      decode: ({ value, attributes }) =>
        attributes.datacontenttype === JSON_CONTENT_TYPE
          ? { data: JSON.parse(Buffer.from(value).toString()) as unknown }
          : codec.decode(value),
    });
    const controlLog = new MemoryControlLog();
    const baseUrl = 'http://gateway.test';
    const built = { settings: values, baseUrl, instanceUrl: baseUrl, slotGroup: new MemorySlotGroup(), log };
    const gateway = new Gateway({
      ...built,
      eventLog,
      controlLog,
      registry,
      codec,
      catalogue,
      guard,
      serviceToken: (tenant) => `token of ${tenant}`,
      metrics: createGatewayMetrics(metrics),
    });
    await gateway.start();
    // Not started: nobody comes in by it, and its routes are there.
    const identity = new Identity({
      ...built,
      controlLog,
      sealer: new InterimSealer(),
      inUse: () => undefined,
    });
    const app = await createHttpApp(GatewayModule.of(gateway, identity, catalogue, registry as never), {
      log,
      health: new Health(),
      metrics,
      openApi: {},
      guard: (server) => {
        guardRoutes(server, guard);
        gateway.audit.attach(server);
      },
    });
    const { publisher, streams, engine, hop } = gateway;
    const server = app.getHttpAdapter().getInstance();
    const sessions = new Sessions(guard);
    hop.attach(server);
    const doors = { server, publisher, streams, queues: engine.queues, hop, guard, sessions, log };
    const open = protocols.map((protocol) => protocol.open(doors));
    const url = await listen(app, { ...values, host: '127.0.0.1' });
    return new GatewayTrial(gateway, guard, catalogue, registry, eventLog, url, async () => {
      streams.close();
      sessions.stop();
      for (const protocol of open) await protocol.close();
      await app.close();
      await gateway.stop();
      catalogue.close();
    });
  }

  /** A request of somebody; of nobody, when that is left out. */
  async ask(caller: Caller | undefined, method: string, path: string, body?: unknown): Promise<TrialAnswer> {
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        ...(caller === undefined ? {} : { authorization: this.guard.bearerFor(caller) }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json') === true;
    return { status: answer.status, text, json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {} };
  }
}
