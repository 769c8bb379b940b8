import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createOrder, createPartner } from '@heddle/infra';
import { Chance } from '../../support/chance.js';
import { call } from '../../support/http-call.js';
import { gather, judge } from '../checker.js';
import type { Evidence } from '../evidence.js';
import { moment } from '../history.js';
import type { Finding } from '../rules/rule.js';
import { collectAtRest } from './at-rest.js';
import { planFaults, wreak } from './chaos.js';
import { ContractPublishes } from './contract-publishes.js';
import { HistoryLog } from './history-log.js';
import { OrderChanges } from './order-changes.js';
import { Pace } from './pace.js';
import { Receivers } from './receivers.js';
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
  /** Breaks the run off: what it has started is stopped, then it fails. */
  signal?: AbortSignal;
}

export interface IntegrityResult {
  evidence: Evidence;
  findings: Finding[];
  /** What went wrong beside the promises: what never came to rest, say. */
  troubles: string[];
  checkedInMs: number;
}

const ORDER_WORKERS = 6;
const CONTRACT_WORKERS = 6;
const PROGRESS_MS = 5000;

/** Loads a mesh, harms it by the plan of the seed, waits until it is at rest, and holds what was written down to the rules. */
export async function runIntegrity(options: IntegrityOptions): Promise<IntegrityResult> {
  const { dir, seed, signal } = options;
  const brokenOff = Promise.withResolvers<never>();
  // It may never be waited for.
  brokenOff.promise.catch(() => undefined);
  signal?.addEventListener('abort', () => brokenOff.reject(new Error('The run was broken off.')));
  const chance = new Chance(seed);
  const log = new HistoryLog(join(dir, 'run.jsonl'));
  const world = await World.start({ ...options, log });
  let receivers: Receivers | undefined;
  let troubles: string[] = [];
  try {
    receivers = await Receivers.start(dir, world, chance, log);
    if (signal?.aborted === true) brokenOff.reject(new Error('The run was broken off.'));
    troubles = await Promise.race([harmUnderLoad(world, receivers, options, chance, log), brokenOff.promise]);
  } finally {
    await receivers?.stop();
    await world.stop();
    await log.close();
  }
  const startedAt = performance.now();
  const evidence = await gather([log.file, receivers.file]);
  const findings = judge(evidence);
  return { evidence, findings, troubles, checkedInMs: Math.round(performance.now() - startedAt) };
}

/** The whole of the run, to the moment when all is at rest and written down. */
async function harmUnderLoad(
  world: World,
  receivers: Receivers,
  { events, kills, gateways, perSecond, onProgress = () => undefined }: IntegrityOptions,
  chance: Chance,
  log: HistoryLog,
): Promise<string[]> {
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
    void receivers
      .deliveries()
      .then((deliveries) => say(`${pace.events} events, ${deliveries} deliveries, ${done} of ${plan.length} faults`));
  }, PROGRESS_MS);
  try {
    await wreak(world, plan, pace, log, ({ kind, target, holdMs }) => {
      done += 1;
      say(`${kind} ${target} for ${holdMs} ms is over`);
    });
    await Promise.all([orders.done(), publishes.done()]);
    say(`${pace.events} events are acknowledged; waiting until all is delivered`);
    return await collectAtRest(world, receivers, log, say);
  } finally {
    clearInterval(timer);
  }
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
