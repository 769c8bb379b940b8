import { setTimeout as delay } from 'node:timers/promises';
import type { Chance } from '../../support/chance.js';
import { type FaultLine, moment } from '../history.js';
import type { HistoryLog } from './history-log.js';
import type { Pace } from './pace.js';
import type { LinkName, Target, World } from './world.js';

/** One thing to be done to the mesh. */
export interface Fault {
  kind: FaultLine['kind'];
  /** A process, or a link for `cut` and `stall`. */
  target: Target | LinkName;
  /** How long it is down, stands still or is unreachable. */
  holdMs: number;
  /** How long it is left in peace before. */
  calmMs: number;
}

/** Pauses, cuts and stalls for each kill. */
const OTHERS_PER_KILL = 0.5;
/** Longer than the session of a group: the others take over meanwhile. */
const LONG_MS = { least: 11_000, most: 14_000 };
const LONG_SHARE = 0.15;

/** What a process that was killed takes to be ready again, about. */
const RESTART_MS = 3000;
/** Faults are not further ahead of the load than this. */
const LEAST_LOAD = 0.8;

/** What is done in a run, and in which order: so many kills, and half as many pauses, cuts and stalls. */
export function planFaults(chance: Chance, kills: number, gateways: 1 | 2): Fault[] {
  const one = <T>(choices: readonly T[]): T => choices[chance.between(0, choices.length - 1)]!;
  const gateway = gateways === 2 ? (['gateway-1', 'gateway-2'] as const) : (['gateway-1', 'gateway-1'] as const);
  const processes = [...gateway, ...gateway, 'sales-order', 'sales-order', 'broker'] as const;
  const links = [
    ...gateway.map((from): LinkName => `${from} to broker`),
    'sales-order to broker',
    'sales-order to database',
  ] as const;
  const fault = (kind: Fault['kind'], targets: readonly Fault['target'][], mostMs: number): Fault => {
    const target = one(targets);
    const isLong = target !== 'broker' && chance.next() < LONG_SHARE;
    const holdMs = isLong ? chance.between(LONG_MS.least, LONG_MS.most) : chance.between(50, mostMs);
    return { kind, target, holdMs, calmMs: chance.between(200, 4000) };
  };
  const others = Array.from({ length: Math.ceil(kills * OTHERS_PER_KILL) }, () => {
    const kind = one(['pause', 'cut', 'stall'] as const);
    return fault(kind, kind === 'pause' ? processes : links, 5000);
  });
  const plan = [...Array.from({ length: kills }, () => fault('kill', processes, 2500)), ...others];
  for (let at = plan.length - 1; at > 0; at -= 1) {
    const other = chance.between(0, at);
    [plan[at], plan[other]] = [plan[other]!, plan[at]!];
  }
  return plan;
}

/** Carries out a plan while the load goes on, in step with it; resolves when all is well again. */
export async function wreak(
  world: World,
  plan: readonly Fault[],
  pace: Pace,
  log: HistoryLog,
  onDone: (fault: Fault) => void,
): Promise<void> {
  for (const [index, fault] of plan.entries()) {
    pace.spreadOver(durationOf(plan.slice(index)));
    await pace.reached((index / plan.length) * LEAST_LOAD);
    await delay(fault.calmMs);
    const begin = moment();
    await carryOut(world, fault);
    log.write({ line: 'fault', kind: fault.kind, target: fault.target, begin, end: moment() });
    onDone(fault);
  }
  pace.spreadOver(0);
}

function durationOf(plan: readonly Fault[]): number {
  return plan.reduce((sum, { kind, holdMs, calmMs }) => sum + holdMs + calmMs + (kind === 'kill' ? RESTART_MS : 0), 0);
}

async function carryOut(world: World, { kind, target, holdMs }: Fault): Promise<void> {
  if (kind === 'cut' || kind === 'stall') {
    const link = world.links.get(target as LinkName)!;
    if (kind === 'cut') link.cut();
    else link.stall();
    await delay(holdMs);
    link.restore();
    return;
  }
  const process = target as Target;
  if (kind === 'pause') {
    world.pause(process);
    await delay(holdMs);
    world.resume(process);
    return;
  }
  await world.kill(process);
  await delay(holdMs);
  await world.startAgain(process);
}
