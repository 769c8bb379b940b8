import 'reflect-metadata';
import { type Access, type Caller, guardRoutes } from '@heddle/auth';
import {
  CONTROL_TOPIC_SPECS,
  JSON_CONTENT_TYPE,
  MemoryControlLog,
  MemoryEventLog,
  MemorySlotGroup,
} from '@heddle/event';
import { Health, certificateOf, createHttpApp, createLog, createMetrics, listen } from '@heddle/runtime';
import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import { asyncApiDocument } from './asyncapi.js';
import { openEventMesh } from './event-mesh/event-mesh.js';
import { sapPaths } from './event-mesh/sap-answer.js';
import { Gateway } from './gateway.js';
import { GatewayModule } from './gateway.module.js';
import { TrialGuard } from './identity/identity-trial.js';
import { Identity } from './identity/identity.js';
import { type GatewayMetrics, createGatewayMetrics } from './metrics.js';
import { LOOPBACK_SETTINGS } from './network/network-trial.js';
import { protocols } from './protocols/protocols.js';
import { Sessions } from './protocols/sessions.js';
import { type GatewaySettings, settings } from './settings.js';
import { Vault } from './vault/vault.js';
import { TRIAL_MASTER_KEY } from './vault/vault-trial.js';

/** What a request was answered with; `text` is its body as it came. */
export interface TrialAnswer {
  status: number;
  text: string;
  json: Record<string, unknown>;
}

/** A route of a gateway, and who may use it. */
export interface TrialRoute {
  method: string;
  path: string;
  access: Access;
}

/** What stays when a gateway is started anew. */
export interface GatewayGround {
  eventLog: MemoryEventLog;
  controlLog: MemoryControlLog;
  registry: MemorySchemaRegistry;
  codec: AvroCodec;
  catalogue: Catalogue;
}

const BASE_URL = 'http://gateway.test';

/** A gateway without its doors, at work on logs in memory; the vault it was given stays open. */
export async function startGateway(
  values: GatewaySettings,
  ground: GatewayGround,
  guard = new TrialGuard(),
  metrics: GatewayMetrics = createGatewayMetrics(createMetrics('test')),
): Promise<{ gateway: Gateway; vault: Vault }> {
  const log = createLog('test', 'silent');
  await ground.controlLog.ensureTopics(CONTROL_TOPIC_SPECS);
  const vault = new Vault(ground.controlLog, values.masterKeys, log);
  await vault.start();
  const gateway = new Gateway({
    ...ground,
    settings: values,
    baseUrl: BASE_URL,
    instanceUrl: BASE_URL,
    slotGroup: new MemorySlotGroup(),
    guard,
    serviceToken: (tenant) => `token of ${tenant}`,
    tokenFor: ({ client }) => `token for ${client}`,
    vault,
    metrics,
    log,
  });
  await gateway.start();
  return { gateway, vault };
}

/**
 * A whole gateway on logs in memory, listening with all its doors; whoever has a token of its guard comes in, and whoever
 * has one of its token endpoint, which clients have that were made by the first ones.
 */
export class GatewayTrial {
  private constructor(
    readonly gateway: Gateway,
    readonly guard: TrialGuard,
    readonly catalogue: Catalogue,
    readonly registry: MemorySchemaRegistry,
    readonly eventLog: MemoryEventLog,
    readonly routes: readonly TrialRoute[],
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
    const values = settings.read({
      PORT: '0',
      HEDDLE_MASTER_KEY: TRIAL_MASTER_KEY,
      ...LOOPBACK_SETTINGS,
      ...environment,
    });
    const guard = new TrialGuard();
    const eventLog = new MemoryEventLog({
      decode: ({ value, attributes }) =>
        attributes.datacontenttype === JSON_CONTENT_TYPE
          ? { data: JSON.parse(Buffer.from(value).toString()) as unknown }
          : codec.decode(value),
    });
    const controlLog = new MemoryControlLog();
    const ground = { eventLog, controlLog, registry, codec, catalogue };
    const { gateway, vault } = await startGateway(values, ground, guard, createGatewayMetrics(metrics));
    const identity = new Identity({
      settings: values,
      baseUrl: BASE_URL,
      log,
      controlLog,
      sealer: vault,
      inUse: () => undefined,
      admitClient: (tenant, present) => gateway.limits.quotas.admit(tenant, 'clients', present),
      subscriptions: gateway.subscriptions,
    });
    await identity.start();
    guard.next = identity.guard;
    const routes: TrialRoute[] = [];
    const app = await createHttpApp(
      GatewayModule.of(gateway, identity, catalogue, registry as never, async () => ['trial'], BASE_URL),
      {
        log,
        health: new Health(),
        metrics,
        openApi: {},
        server: sapPaths(log),
        guard: (server) => {
          guardRoutes(server, guard);
          server.addHook('onRoute', ({ method, url, config }) => {
            for (const one of [method].flat())
              if (one !== 'HEAD') routes.push({ method: one, path: url, access: config!.access! });
          });
          gateway.audit.attach(server);
        },
      },
    );
    const { publisher, streams, engine, hop, namespaces } = gateway;
    const server = app.getHttpAdapter().getInstance();
    const sessions = new Sessions(guard);
    hop.attach(server);
    identity.open(server);
    server.get('/asyncapi.json', { config: { access: 'public' } }, () =>
      asyncApiDocument({ baseUrl: BASE_URL, brokers: [], events: catalogue.list() }),
    );
    const doors = {
      server,
      publisher,
      streams,
      queues: engine.queues,
      hop,
      namespaces,
      guard,
      sessions,
      sockets: [],
      values,
      mqtt: gateway.mqtt,
      // Of ports that protocols have of their own.
      tls: values.tls,
      certificate: certificateOf(values),
      log,
    };
    const open = protocols.map((protocol) => protocol.open(doors));
    const isReady = async (): Promise<boolean> => true;
    openEventMesh(server, { ...gateway.management, origin: 'gateway.test', isReady, log });
    const url = await listen(app, { ...values, host: '127.0.0.1' });
    for (const protocol of open) await protocol.listen?.();
    return new GatewayTrial(gateway, guard, catalogue, registry, eventLog, routes, url, async () => {
      streams.close();
      sessions.stop();
      for (const protocol of open) await protocol.close();
      await app.close();
      await gateway.stop();
      await identity.stop();
      await vault.stop();
      catalogue.close();
    });
  }

  /** A request of somebody; of nobody, when that is left out. */
  async ask(
    caller: Caller | undefined,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<TrialAnswer> {
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        ...(caller === undefined ? {} : { authorization: this.guard.bearerFor(caller) }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json') === true;
    return { status: answer.status, text, json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {} };
  }
}
