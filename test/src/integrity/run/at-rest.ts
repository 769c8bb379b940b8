import { setTimeout as delay } from 'node:timers/promises';
import { typeMatcher } from '@heddle/event';
import { foreignKafka } from '../../support/foreign-kafka.js';
import type { RecordLine } from '../history.js';
import { acceptances } from './attempts.js';
import { TOPICS, collectObjects, collectProgress, collectRecords, deadLetters, unsentEvents } from './collect.js';
import type { HistoryLog } from './history-log.js';
import { knownLetters } from './known-letters.js';
import { QUEUES, nameOf } from './queues.js';
import type { Receivers } from './receivers.js';
import { redriveAll } from './redrive.js';
import type { World } from './world.js';

/** Without anything more being done for so long, what is missing is lost. */
const STANDSTILL_MS = 60_000;

/**
 * Waits until what was raised is appended, and what was appended is delivered or given up; has what was given up
 * delivered again; then writes down what log, database and gateway hold. Resolves to what never came to rest.
 */
export async function collectAtRest(
  world: World,
  receivers: Receivers,
  log: HistoryLog,
  say: (what: string) => void,
): Promise<string[]> {
  const troubles: string[] = [];
  if (!(await comesToNothing(() => unsentEvents(world.databaseUrl)))) troubles.push('the outbox was not drained');
  await collectObjects(world.databaseUrl, log);
  const kafka = foreignKafka(world.brokers);
  const records = await collectRecords(kafka, world.registryUrl, log);
  say(`${records.length} records in ${TOPICS.join(' and ')}`);
  const letters = async () => deadLetters(kafka, await knownLetters(world.gateways));
  /** Events of a queue that became dead letters in a cycle. */
  const deadIn = async (queue: string, cycle: string): Promise<string[]> => {
    const dead = (await letters()).filter((one) => one.queue === queue && (one.cycle ?? '') === cycle);
    return [...new Set(dead.map(({ id }) => id))];
  };
  const comesToRest = async (queue: string, wanted: number, cycle = ''): Promise<void> => {
    const missing = async (): Promise<number> => {
      const accepted = await receivers.accepted(queue, cycle);
      if (accepted >= wanted) return 0;
      return Math.max(0, wanted - accepted - (await deadIn(queue, cycle)).length);
    };
    if (await comesToNothing(missing)) return;
    troubles.push(`${nameOf(queue, cycle)}: ${await missing()} events have come to no end`);
  };
  for (const { definition } of QUEUES) await comesToRest(definition.queue, wantedOf(definition.types, records).size);
  for (const { definition } of QUEUES) {
    const { queue } = definition;
    const ids = await deadIn(queue, '');
    if (ids.length === 0) continue;
    say(`${ids.length} dead letters of ${queue} are redriven`);
    const cycle = await redriveAll(world, queue, ids, log);
    if (cycle === undefined) troubles.push(`the dead letters of ${queue} could not be redriven`);
    else await comesToRest(queue, ids.length, cycle);
  }
  for (const letter of await letters()) log.write(letter);
  for await (const final of acceptances(kafka)) log.write(final);
  await collectProgress(world.brokers, log);
  return troubles;
}

/** Whether a number came to 0; false when it has not changed for long. */
async function comesToNothing(number: () => Promise<number>): Promise<boolean> {
  let last = Infinity;
  for (let since = performance.now(); performance.now() - since < STANDSTILL_MS; await delay(500)) {
    const now = await number();
    if (now === 0) return true;
    if (now !== last) since = performance.now();
    last = now;
  }
  return false;
}

function wantedOf(types: readonly string[], records: readonly RecordLine[]): Set<string> {
  const wants = typeMatcher(types);
  return new Set(records.filter(({ type }) => wants(type)).map(({ id }) => id));
}
