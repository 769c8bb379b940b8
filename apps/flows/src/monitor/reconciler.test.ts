import { createLog } from '@heddle/runtime';
import { afterEach, expect, it } from 'vitest';
import type { FlowRunner } from '../flow-runner.js';
import type { DeliveryFacts, Fact } from './delivery-facts.js';
import { type MessageEntry, isOpen } from './message-entry.js';
import { MessageLog } from './message-log.js';
import { Reconciler } from './reconciler.js';

const HOUR_MS = 3_600_000;
const logs: MessageLog[] = [];
let fact: Fact;
let atWork = '';

afterEach(() => {
  for (const log of logs.splice(0)) log.close();
});

function ground() {
  const messages = new MessageLog(undefined);
  logs.push(messages);
  const flows = [
    { name: 'archive', from: { queue: 'contracts' } },
    { name: 'in', from: { http: { path: '/in' } } },
  ];
  const runner = {
    flow: (name: string) => flows.find((flow) => flow.name === name),
    isAtWork: ({ id }: MessageEntry) => id === atWork,
  } as unknown as FlowRunner;
  const facts = { of: () => Promise.resolve(fact) } as unknown as DeliveryFacts;
  const log = createLog('flows', 'silent');
  const reconciler = new Reconciler({ runner, facts, messages, log }, { staleMs: 1000, keepMs: HOUR_MS });
  /** A message that was last heard of at that time. */
  const entry = (flow = 'archive', at = Date.now() - 60_000): MessageEntry => {
    const made = messages.of({ flow, source: '/s', message: `m-${Math.random()}` }, at);
    messages.change(made.id, { state: 'retry', error: 'The receiver answered 503', dueAt: at }, at);
    return messages.get(made.id)!;
  };
  return { messages, reconciler, entry };
}

it.each<[Fact, string, RegExp | undefined]>([
  [{ state: 'accepted' }, 'completed', undefined],
  [{ state: 'dead', letter: '1-1', reason: 'too old' }, 'failed', /too old/],
  [{ state: 'dead', letter: undefined, reason: undefined }, 'failed', /answered 503/],
  [{ state: 'dropped' }, 'discarded', /time to live/],
  [{ state: 'gone', why: 'The queue holds it no more' }, 'discarded', /holds it no more/],
])('of a message that nothing is heard of, and is %o, the final state is %s', async (known, state, error) => {
  fact = known;
  const { messages, reconciler, entry } = ground();
  const { id } = entry();
  await reconciler.reconcile();
  const found = messages.get(id)!;
  expect(found.state).toBe(state);
  if (error === undefined) expect(found.error).toBeUndefined();
  else expect(found.error).toMatch(error);
  expect(isOpen(found.state)).toBe(false);
});

it('what the queue still holds stays in retry, and so does what the gateway could not tell of', async () => {
  const { messages, reconciler, entry } = ground();
  const { id } = entry();
  fact = { state: 'held' };
  await reconciler.reconcile();
  expect(messages.get(id)!.state).toBe('retry');
  fact = { state: 'unknown', why: 'no answer' };
  await reconciler.reconcile(Date.now() + 60_000);
  expect(messages.get(id)!.state).toBe('retry');
  fact = { state: 'accepted' };
  await reconciler.reconcile(Date.now() + 120_000);
  expect(messages.get(id)!.state).toBe('completed');
});

it('what is at work, was heard of lately or is due later is left alone', async () => {
  fact = { state: 'accepted' };
  const { messages, reconciler, entry } = ground();
  const worked = entry();
  atWork = worked.id;
  const late = entry('archive', Date.now());
  const due = entry();
  messages.change(due.id, { dueAt: Date.now() + HOUR_MS }, due.changedAt);
  const free = entry();
  await reconciler.reconcile();
  expect([worked, late, due, free].map(({ id }) => messages.get(id)!.state)).toEqual([
    'retry',
    'retry',
    'retry',
    'completed',
  ]);
});

it('a message by HTTP whose sender was never answered has failed, and one of a flow that is gone is discarded', async () => {
  const { messages, reconciler, entry } = ground();
  const [byHttp, ofNone] = [entry('in'), entry('before')];
  await reconciler.reconcile();
  expect([byHttp, ofNone].map(({ id }) => messages.get(id)!.state)).toEqual(['failed', 'discarded']);
});

it('what is final long enough is forgotten, what is open never', async () => {
  fact = { state: 'held' };
  const { messages, reconciler, entry } = ground();
  const long = Date.now() - 2 * HOUR_MS;
  const [done, open] = [entry('archive', long), entry('archive', long)];
  messages.change(done.id, { state: 'completed' }, long);
  await reconciler.reconcile();
  expect([messages.get(done.id), messages.get(open.id)?.state]).toEqual([undefined, 'retry']);
});
