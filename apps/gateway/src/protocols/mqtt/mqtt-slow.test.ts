import { randomUUID } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { callerFor } from '../../identity/identity-trial.js';
import { SOON, type TrialClient, mqttTrial } from './mqtt-trial.js';
import { sessionQueue } from './session-name.js';

const here = callerFor();
const MESSAGES = 200;
const TOGETHER = 20;
const BYTES = 100_000;
/** What sockets of this machine and the gateway itself may hold for one connection; all messages are more. */
const HELD_BYTES = 10_000_000;

const { trial, clients } = await mqttTrial();

async function leased(clientId: string): Promise<number> {
  const path = `/v1/queues/${encodeURIComponent(sessionQueue(here.client, clientId))}`;
  const { json } = await trial.ask(here, 'GET', path);
  return (json['statistics'] as { leased: number }).leased;
}

/** Acknowledges whatever comes. */
function acknowledging(client: TrialClient): () => void {
  let done = 0;
  const timer = setInterval(() => {
    const { deliveries } = client;
    for (; done < deliveries.length; done += 1) client.acknowledge(deliveries[done]!);
  }, 5);
  return () => clearInterval(timer);
}

it('a client that does not read is given no more than its socket holds, others are not held up by it, and it misses nothing', async () => {
  const topic = `test/${randomUUID()}/t`;
  const clientId = `slow-${randomUUID()}`;
  const slow = await clients.connected(5, { clientId });
  await slow.subscribe(topic);
  const quick = await clients.connected(5);
  await quick.subscribe(topic);
  const stop = acknowledging(quick);
  slow.pause();
  const publisher = await clients.connected(5);
  const filling = 'x'.repeat(BYTES);
  for (let n = 0; n < MESSAGES; n += TOGETHER) {
    const some = Array.from({ length: TOGETHER }, (_, at) => n + at);
    for (const at of some) publisher.publish(topic, `${at} ${filling}`, { messageId: at + 1 });
    for (const _one of some) await publisher.next('puback');
  }
  await vi.waitFor(() => expect(quick.deliveries).toHaveLength(MESSAGES), SOON);
  const held = await leased(clientId);
  expect(held).toBeGreaterThan(0);
  expect(held * BYTES).toBeLessThan(HELD_BYTES);
  // It stays so: nothing is added to what nobody reads.
  await publisher.published(topic, 'one more');
  await vi.waitFor(() => expect(quick.deliveries).toHaveLength(MESSAGES + 1), SOON);
  expect(await leased(clientId)).toBe(held);
  const stopSlow = acknowledging(slow);
  slow.resume();
  await vi.waitFor(() => expect(slow.deliveries).toHaveLength(MESSAGES + 1), SOON);
  expect(slow.payloads.map((payload) => payload.split(' ', 1)[0])).toEqual(
    quick.payloads.map((payload) => payload.split(' ', 1)[0]),
  );
  expect(slow.deliveries.every(({ dup }) => !dup)).toBe(true);
  stop();
  stopSlow();
}, 60_000);
