import { callerFor } from '../identity/identity-trial.js';
import { randomUUID } from 'node:crypto';
import { KafkaEventLog } from '@heddle/kafka';
import { AvroCodec, MemorySchemaRegistry } from '@heddle/schema';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { LedgerTrial } from './ledger-trial.js';
import { attemptsQuery, deadLettersQuery } from './ledger.shape.js';

const ADMIN = callerFor();

declare module 'vitest' {
  interface ProvidedContext {
    stack: { kafkaBrokers: string[]; registryUrl: string; databaseUrl: string };
  }
}

const POLL = { timeout: 15_000 };

describe('look-ups on Kafka', () => {
  // The broker is shared by all tests of a run: names are of this one alone.
  const queue = `orders-${randomUUID()}`;
  const uuid = randomUUID();
  const ids = ['a', 'b', 'c'].map((name) => `${name}-${randomUUID()}`);
  let eventLog: KafkaEventLog;
  let trial: LedgerTrial;

  beforeAll(async () => {
    eventLog = new KafkaEventLog({
      brokers: inject('stack').kafkaBrokers,
      clientId: 'ledger-test',
      codec: new AvroCodec(new MemorySchemaRegistry()),
    });
    trial = await LedgerTrial.start(eventLog);
  });

  afterAll(async () => {
    await trial.close();
    await eventLog.close();
  });

  const attempts = async () => (await trial.lookUps.attempts.list(ADMIN, attemptsQuery.parse({ queue }))).attempts;
  const letters = async (state: string) =>
    (await trial.lookUps.deadLetters.list(ADMIN, deadLettersQuery.parse({ queue, state }))).deadLetters;

  it('find attempts and dead letters as soon as they are flushed, and again after a restart', async () => {
    for (const [n, id] of ids.entries()) {
      const event = await trial.append(`K${n}`, id);
      trial.attempted(event, { queue, uuid, outcome: 'rejected', final: 'dead', status: 500 });
      trial.givenUp(event, { queue, uuid });
    }
    await trial.ledger.flush();
    expect((await attempts()).map(({ event }) => event.id).toSorted()).toEqual(ids);
    expect(await letters('open')).toHaveLength(3);
    await trial.reopen();
    expect(await attempts()).toHaveLength(3);
    const { events } = await trial.lookUps.events.event(ADMIN, ids[0]!);
    expect(events).toMatchObject([{ stored: { data: { id: ids[0] } }, deliveries: [{ queue, state: 'dead' }] }]);
    expect(events[0]!.timeline.map(({ what }) => what)).toEqual([
      'raised',
      'appended',
      'dispatched',
      'attempt',
      'dead',
    ]);
  });

  it('show a letter with the bytes of its event, and mark it once it is back', async () => {
    const [letter] = await letters('open');
    expect(await trial.lookUps.deadLetters.get(ADMIN, letter!.id)).toMatchObject({
      stored: { data: { id: letter!.event.id } },
      reason: 'status 500',
    });
    const request = { filter: { queue }, dryRun: false, ratePerSecond: 1000 };
    const { id } = await trial.lookUps.redrives.begin(ADMIN, request);
    await expect.poll(async () => (await trial.lookUps.redrives.get(ADMIN, id)).state, POLL).toBe('done');
    expect(await letters('open')).toEqual([]);
    expect(await letters('redriven')).toHaveLength(3);
    expect(trial.placed.flatMap(({ letters: own }) => own)).toHaveLength(3);
  });
});
