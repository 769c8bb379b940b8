import { setTimeout as delay } from 'node:timers/promises';
import { typeMatcher } from '@heddle/event';
import { foreignKafka } from '../../support/foreign-kafka.js';
import type { RecordLine } from '../history.js';
import { acceptances } from './attempts.js';
import { TOPICS, collectObjects, collectProgress, collectRecords, deadLetters, unsentEvents } from './collect.js';
import type { HistoryLog } from './history-log.js';
import { QUEUES } from './queues.js';
import type { Receivers } from './receivers.js';
import type { World } from './world.js';

/** Without anything more being done for so long, what is missing is lost. */
const STANDSTILL_MS = 60_000;

/**
 * Waits until what was raised is appended, and what was appended is delivered or given up; then writes down what log,
 * database and gateway hold. Resolves to what never came to rest.
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
  for (const { definition } of QUEUES) {
    const { queue, types } = definition;
    const wanted = wantedOf(types, records);
    const missing = async (): Promise<number> => {
      const accepted = await receivers.accepted(queue);
      if (accepted >= wanted.size) return 0;
      const dead = (await deadLetters(kafka)).filter((letter) => letter.queue === queue);
      return Math.max(0, wanted.size - accepted - new Set(dead.map(({ id }) => id)).size);
    };
    if (!(await comesToNothing(missing))) troubles.push(`${queue}: ${await missing()} events have come to no end`);
  }
  for (const letter of await deadLetters(kafka)) log.write(letter);
  for await (const final of acceptances(kafka)) log.write(final);
  await collectProgress(kafka, log);
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
