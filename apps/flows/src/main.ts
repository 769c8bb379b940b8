import 'reflect-metadata';
import { guardRoutes } from '@heddle/auth';
import { ClientTokens } from '@heddle/client';
import {
  Health,
  certificateOf,
  createHttpApp,
  createLog,
  createMetrics,
  listen,
  readOrExit,
  readSettings,
  run,
  stopInOrder,
} from '@heddle/runtime';
import { readFlows } from './flow-files.js';
import { FlowRunner } from './flow-runner.js';
import { flowsOpenApi } from './flows.openapi.js';
import { FlowsModule } from './flows.module.js';
import { GatewayCalls } from './gateway-calls.js';
import { FlowMetrics } from './metrics.js';
import { FlowGuard } from './http/flow-guard.js';
import { openHttpDoor } from './http/http-door.js';
import { DeliveryFacts } from './monitor/delivery-facts.js';
import { MessageLog } from './monitor/message-log.js';
import { Monitor } from './monitor/monitor.js';
import { Reconciler } from './monitor/reconciler.js';
import { readSecrets, requireIdentities, requireTls } from './secrets.js';
import { settings } from './settings.js';

const DAY_MS = 86_400_000;

const values = readSettings(settings);
const { flows, secrets } = readOrExit(() => {
  const found = readFlows(values.flowsDir);
  const named = readSecrets(found);
  requireIdentities(found, named);
  if (!values.receiverHttp) requireTls(found, named);
  return { flows: found, secrets: named };
});
const log = createLog('flows', values.logLevel);

await run(log, async () => {
  const { issuerUrl: gatewayUrl, issuer = gatewayUrl, tokenAudience: audience, clientId, clientSecret } = values;
  const certificate = certificateOf(values);
  const registry = createMetrics('flows');
  const metrics = new FlowMetrics(registry);
  const messages = new MessageLog(values.dataDir, (flow, state) => metrics.ended(flow, state));
  if (messages.damaged !== undefined) {
    const { damaged } = messages;
    log.warn(
      { event: 'monitor-damaged', file: damaged },
      'the monitor begins empty: its file was damaged, and is put aside',
    );
  }
  const tokens = new ClientTokens({ tokenUrl: `${gatewayUrl}/oauth/token`, clientId, clientSecret });
  const gateway = new GatewayCalls(gatewayUrl, tokens);
  const runner = new FlowRunner(flows, { gateway, secrets, messages, metrics, log });
  const facts = new DeliveryFacts(gateway);
  const keepMs = values.messageDays * DAY_MS;
  const reconciler = new Reconciler({ runner, facts, messages, log }, { staleMs: values.staleMs, keepMs });
  const guard = new FlowGuard({ url: gatewayUrl, issuer, audience }, values.tenant, log);

  const health = new Health().add('flows', async () => {
    const ended = flows.filter((flow) => runner.endOf(flow) !== undefined);
    if (ended.length > 0) throw new Error(`ended: ${ended.map(({ name }) => name).join(', ')}`);
  });
  metrics.read(() => {
    const [counts, oldest] = [messages.counts(), messages.oldest()];
    return flows.map((flow) => ({
      flow: flow.name,
      isRunning: runner.endOf(flow) === undefined,
      messages: counts.get(flow.name) ?? {},
      oldestAt: oldest.get(flow.name),
    }));
  });
  const monitor = new Monitor({ runner, messages, facts, gateway });
  const app = await createHttpApp(FlowsModule.of(monitor), {
    log,
    health,
    metrics: registry,
    exposure: values,
    openApi: flowsOpenApi(flows),
    guard: (server) => guardRoutes(server, guard),
    certificate,
  });
  openHttpDoor(app.getHttpAdapter().getInstance(), { runner, secrets, messages, metrics, log });
  stopInOrder(log, [
    { name: 'ready', run: () => health.stopping() },
    { name: 'server', run: () => app.close() },
    { name: 'reconciler', run: () => reconciler.stop() },
    { name: 'flows', run: () => runner.stop() },
    { name: 'messages', run: () => messages.close() },
  ]);
  const url = await listen(app, values);
  runner.start();
  reconciler.start();
  log.info({ event: 'listening', url, flows: flows.map(({ name }) => name) }, `listening on ${url}`);
});
