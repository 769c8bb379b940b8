import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { callerFor } from '../identity/identity-trial.js';
import { sseForm } from '../protocols/sse/sse.frames.js';
import { MAX_QUEUED_BYTES } from './fan-out.js';
import { RecordingSink, TrialStreams } from './streams-trial.js';

const SOON = { timeout: 10_000 };
const ME = callerFor();

let trial: TrialStreams;
const sinks: RecordingSink[] = [];

beforeAll(async () => {
  trial = await TrialStreams.start();
  await publish('first');
  await trial.findTopics();
});
afterEach(() => {
  for (const sink of sinks.splice(0)) sink.drain();
});
afterAll(() => trial.close());

/** A message of a topic that no event type knows. */
async function publish(id: string, topic = 'a/b'): Promise<void> {
  const message = {
    address: `topic:${topic}`,
    contentType: 'application/json',
    body: Buffer.from('{}'),
    messageId: id,
  };
  expect(await trial.publisher.publishMessages(ME, [message])).toMatchObject([{ id }]);
}

/** A live reader of topics, as one over AMQP is. */
function open(): RecordingSink {
  const sink = new RecordingSink();
  const wish = { caller: ME, patterns: ['topic:*'], matches: () => true, wantsRaw: true } as const;
  trial.streams.open({ ...wish, form: sseForm, start: 'now', sink });
  sinks.push(sink);
  return sink;
}

describe.each([
  ['lately: from what is in memory', 20_000],
  ['long ago: from the log', 3],
])('a reader of topics that has missed something %s', (_when, tailEvents) => {
  beforeAll(async () => {
    trial.tailEvents = tailEvents;
    await trial.restart();
  });

  it('is given all of it once it reads: messages that no event type knows, and events, once each', async () => {
    const [slow, quick] = [open(), open()];
    await vi.waitFor(() => expect([slow, quick].map((sink) => sink.events().length)).toEqual([1, 1]), SOON);
    const name = `${tailEvents}`;
    await publish(`${name}-0`);
    await vi.waitFor(() => expect(slow.ids()).toEqual([`${name}-0`]), SOON);
    slow.queued = MAX_QUEUED_BYTES + 1;
    for (let n = 1; n <= 20; n += 1) {
      if (n % 4 === 0) await trial.publish(ME, 'K', `${name}-${n}`);
      else await publish(`${name}-${n}`, `a/b${n % 3}`);
    }
    await vi.waitFor(() => expect(quick.ids()).toHaveLength(21), SOON);
    expect(slow.ids()).toHaveLength(1);
    slow.drain();
    await vi.waitFor(() => expect(slow.ids().toSorted()).toEqual(quick.ids().toSorted()), SOON);
    await publish(`${name}-after`);
    await vi.waitFor(() => expect(slow.ids().at(-1)).toBe(`${name}-after`), SOON);
    expect(slow.ids()).toHaveLength(22);
  });
});

it('a reader of event types has no raw messages, whatever it missed', async () => {
  const sink = trial.open('now');
  sinks.push(sink);
  await vi.waitFor(() => expect(sink.events()).toHaveLength(1), SOON);
  const { lags } = trial.streams.counts;
  sink.queued = MAX_QUEUED_BYTES + 1;
  await publish('raw');
  await trial.publish(ME, 'K', 'typed');
  await vi.waitFor(() => expect(trial.streams.counts.lags).toBe(lags + 1), SOON);
  sink.drain();
  await vi.waitFor(() => expect(sink.ids()).toEqual(['typed']), SOON);
});
