import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createOrder, createPartner, freePort, spawnNode, waitForPort, type Running } from '@heddle/infra';
import { typeMatcher } from '@heddle/event';
import { Chance } from '../../support/chance.js';
import { foreignKafka } from '../../support/foreign-kafka.js';
import { call } from '../../support/http-call.js';
import { gather, judge } from '../checker.js';
import type { Evidence } from '../evidence.js';
import { type RecordLine, moment } from '../history.js';
import type { Finding } from '../rules/rule.js';
import { planFaults, wreak } from './chaos.js';
import { TOPICS, collectObjects, collectProgress, collectRecords, deadLetters, unsentEvents } from './collect.js';
import { ContractPublishes } from './contract-publishes.js';
import { HistoryLog } from './history-log.js';
import { OrderChanges } from './order-changes.js';
import { Pace } from './pace.js';
import { WEBHOOK_QUEUES, makeWebhook } from './queues.js';
import type { ReceiverOptions } from './webhook-receivers.js';
import { World } from './world.js';

export interface IntegrityOptions {
  /** Data, logs and histories; the caller removes it. */
  dir: string;
  seed: number;
  /** Events that are to be acknowledged. */
  events: number;
  /** Processes that are killed meanwhile; half as many are paused or cut off besides. */
  kills: number;
  gateways: 1 | 2;
  perSecond: number;
  /** A registry that runs already; without it one is started. */
  registryUrl?: string;
  /** Told of what goes on, in a line. */
  onProgress?: (line: string) => void;
}

export interface IntegrityResult {
  evidence: Evidence;
  findings: Finding[];
  /** What went wrong beside the promises: a drain that took too long, say. */
  troubles: string[];
  checkedInMs: number;
}

const ORDER_WORKERS = 6;
const CONTRACT_WORKERS = 6;
/** Without anything more arriving for so long, what is missing is lost. */
const STANDSTILL_MS = 60_000;
const PROGRESS_MS = 5000;

/** Loads a mesh, harms it by the plan of the seed, waits until it is at rest, and holds what was written down to the rules. */
export async function runIntegrity(options: IntegrityOptions): Promise<IntegrityResult> {
  const { dir } = options;
  const log = new HistoryLog(join(dir, 'run.jsonl'));
  const receiversFile = join(dir, 'webhooks.jsonl');
  const world = await World.start({ ...options, log });
  let receivers: Running | undefined;
  let troubles: string[] = [];
  try {
    const port = await freePort();
    receivers = await startReceivers(options, receiversFile, port, world.gateways);
    for (const queue of WEBHOOK_QUEUES) {
      await makeWebhook(world.gateways[0]!, queue, port);
      log.write(queue.definition);
    }
    troubles = await harmUnderLoad(world, options, log, port);
  } finally {
    await world.stop();
    await receivers?.stop();
    await log.close();
  }
  const startedAt = performance.now();
  const evidence = await gather([log.file, receiversFile]);
  const findings = judge(evidence);
  return { evidence, findings, troubles, checkedInMs: Math.round(performance.now() - startedAt) };
}

async function startReceivers(
  { dir, seed }: IntegrityOptions,
  file: string,
  port: number,
  gateways: readonly string[],
): Promise<Running> {
  const refusedShare = Object.fromEntries(WEBHOOK_QUEUES.map((one) => [one.definition.queue, one.refusedShare]));
  const settings: ReceiverOptions = { file, port, seed, gateways, refusedShare };
  const running = await spawnNode({
    name: 'receivers',
    script: 'test/dist/integrity/run/webhook-receivers.js',
    args: [JSON.stringify(settings)],
    env: {},
    logFile: join(dir, 'receivers.log'),
  });
  await waitForPort(port);
  return running;
}

/** The whole of the run, to the moment when all is at rest and written down. */
async function harmUnderLoad(
  world: World,
  options: IntegrityOptions,
  log: HistoryLog,
  receiversPort: number,
): Promise<string[]> {
  const { seed, events, kills, gateways, perSecond, onProgress = () => undefined } = options;
  const chance = new Chance(seed);
  const plan = planFaults(chance, kills, gateways);
  const partner = await knownPartner(world, log);
  const pace = new Pace(events, perSecond);
  const orders = new OrderChanges(world.url('sales-order'), partner, chance, pace, log, ORDER_WORKERS);
  const publishes = new ContractPublishes(world.gateways, chance, pace, log, CONTRACT_WORKERS);
  let done = 0;
  const startedAt = performance.now();
  const say = (what: string): void => {
    onProgress(`${Math.round((performance.now() - startedAt) / 1000)} s  ${what}`);
  };
  const timer = setInterval(() => {
    void counts(receiversPort).then(({ deliveries }) =>
      say(`${pace.events} events, ${deliveries} deliveries, ${done} of ${plan.length} faults`),
    );
  }, PROGRESS_MS);
  try {
    await wreak(world, plan, pace, log, ({ kind, target, holdMs }) => {
      done += 1;
      say(`${kind} ${target} for ${holdMs} ms is over`);
    });
    await Promise.all([orders.done(), publishes.done()]);
    say(`all ${pace.events} events are acknowledged; waiting until all is delivered`);
    return await atRest(world, log, receiversPort, say);
  } finally {
    clearInterval(timer);
  }
}

/** Waits until what was raised is appended, and what was appended is delivered; then writes down what there is. */
async function atRest(
  world: World,
  log: HistoryLog,
  receiversPort: number,
  say: (what: string) => void,
): Promise<string[]> {
  const troubles: string[] = [];
  if (!(await standsStill(() => unsentEvents(world.databaseUrl), 0))) troubles.push('the outbox was not drained');
  await collectObjects(world.databaseUrl, log);
  const kafka = foreignKafka(world.brokers);
  const records = await collectRecords(kafka, world.registryUrl, log);
  say(`${records.length} records in ${TOPICS.join(' and ')}`);
  for (const { definition } of WEBHOOK_QUEUES) {
    const missing = async (): Promise<number> => {
      const { accepted } = await counts(receiversPort);
      const dead = (await deadLetters(kafka)).filter((final) => final.queue === definition.queue);
      const ended = (accepted[definition.queue] ?? 0) + new Set(dead.map(({ id }) => id)).size;
      return Math.max(0, wantedOf(definition.types, records).size - ended);
    };
    if (!(await standsStill(missing, 0))) troubles.push(`${definition.queue} did not deliver all it had`);
  }
  for (const final of await deadLetters(kafka)) log.write(final);
  await collectProgress(kafka, log);
  return troubles;
}

/** Whether a number came to what it should; false when it has not changed for long. */
async function standsStill(number: () => Promise<number>, wanted: number): Promise<boolean> {
  let last = Infinity;
  for (let since = performance.now(); performance.now() - since < STANDSTILL_MS; await delay(500)) {
    const now = await number();
    if (now === wanted) return true;
    if (now !== last) since = performance.now();
    last = now;
  }
  return false;
}

function wantedOf(types: readonly string[], records: readonly RecordLine[]): Set<string> {
  const wants = typeMatcher(types);
  return new Set(records.filter(({ type }) => wants(type)).map(({ id }) => id));
}

async function counts(port: number): Promise<{ deliveries: number; accepted: Record<string, number> }> {
  const { json } = await call('GET', `http://127.0.0.1:${port}/`);
  return json as { deliveries: number; accepted: Record<string, number> };
}

/** A partner that orders may name: they learn of it by its event, and the first order that is taken shows it. */
async function knownPartner(world: World, log: HistoryLog): Promise<string> {
  const partner = '17100001';
  const key = '1';
  await call('POST', `${world.url('business-partner')}/business-partners`, { body: createPartner(partner) });
  for (let tries = 0; tries < 200; tries += 1, await delay(100)) {
    const begin = moment();
    const { status } = await call('POST', `${world.url('sales-order')}/sales-orders`, {
      body: createOrder(key, partner),
    });
    if (status !== 201) continue;
    const [topic, version, outcome] = ['sales-order', 1, 'acknowledged'] as const;
    log.write({ line: 'change', topic, key, version, begin, end: moment(), outcome, status });
    return partner;
  }
  throw new Error('sales-order did not learn of a business partner.');
}
