import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { callerFor } from '../identity/identity-trial.js';
import { MAX_QUEUED_BYTES } from './fan-out.js';
import { TrialStreams } from './streams-trial.js';

const SOON = { timeout: 10_000 };
const ME = callerFor();

let trial: TrialStreams;

beforeEach(async () => {
  trial = await TrialStreams.start();
});

afterEach(() => trial.close());

describe('streams', () => {
  it('say where they begin, then carry what comes', async () => {
    const sink = trial.open('now');
    await trial.publish(ME, 'K', 'e1');
    await vi.waitFor(() => expect(sink.ids()).toEqual(['e1']), SOON);
    expect(sink.events()[0]).toMatchObject({ type: 'heddle.stream.v1.Stream.Opened.v1', data: { resumed: 'live' } });
  });

  it('resume after the token of any event, with nothing missed and nothing twice', async () => {
    for (let n = 0; n < 50; n += 1) await trial.publish(ME, `K${n % 7}`, `e${n}`);
    const first = trial.open('earliest');
    await vi.waitFor(() => expect(first.ids()).toHaveLength(50), SOON);
    for (const at of [1, 20, 50]) {
      const again = trial.open({ token: first.tokens()[at]! });
      await vi.waitFor(
        () => expect([...first.ids().slice(0, at), ...again.ids()].sort()).toEqual([...first.ids()].sort()),
        SOON,
      );
      expect(again.events()[0]).toMatchObject({ data: { resumed: 'exact' } });
    }
  });

  it('begin at a time, with what the log took at or after it', async () => {
    await trial.publish(ME, 'K', 'before');
    const first = trial.open('earliest');
    await vi.waitFor(() => expect(first.ids()).toEqual(['before']), SOON);
    const wall = Date.now();
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(wall), SOON);
    const time = Date.now();
    await trial.publish(ME, 'K', 'after');
    const since = trial.open({ time });
    await trial.publish(ME, 'K', 'live');
    await vi.waitFor(() => expect(since.ids()).toEqual(['after', 'live']), SOON);
  });

  it('begin at a place in the log, and elsewhere with what comes', async () => {
    const places: { id: string; partition: number; offset: number }[] = [];
    for (let n = 0; n < 20; n += 1) {
      const [outcome] = await trial.publish(ME, `K${n % 5}`, `e${n}`);
      if (outcome !== undefined && 'position' in outcome) places.push({ id: `e${n}`, ...outcome.position });
    }
    const { partition, offset } = places[7]!;
    const behind = places.filter((place) => place.partition === partition && place.offset >= offset);
    const shared = trial.open('earliest');
    await vi.waitFor(() => expect(shared.ids()).toHaveLength(20), SOON);
    const from = trial.open({
      places: [
        { topic: 'contract', partition, offset },
        { topic: 'nothing', partition: 0, offset: 3 },
      ],
    });
    // A place that is not there yet is no reason to begin with everything.
    const beyond = trial.open({ places: [{ topic: 'contract', partition, offset: 1_000_000 }] });
    await vi.waitFor(() => expect(from.ids()).toEqual(behind.map(({ id }) => id)), SOON);
    for (const key of ['K0', 'K1', 'K2']) await trial.publish(ME, key, `live-${key}`);
    const live = ['live-K0', 'live-K1', 'live-K2'];
    await vi.waitFor(() => expect(from.ids().slice(behind.length)).toEqual(live), SOON);
    await vi.waitFor(() => expect(beyond.ids()).toEqual(live), SOON);
  });

  it('resume from the log after a restart, when the memory of the gateway is gone', async () => {
    for (let n = 0; n < 700; n += 1) await trial.publish(ME, 'K', `e${n}`);
    const first = trial.open('earliest');
    await vi.waitFor(() => expect(first.ids()).toHaveLength(700), SOON);
    const token = first.tokens()[100]!;
    await trial.restart();
    const again = trial.open({ token });
    await vi.waitFor(() => expect(again.ids()).toEqual(first.ids().slice(100)), SOON);
    await trial.publish(ME, 'K', 'live');
    await vi.waitFor(() => expect(again.ids().at(-1)).toBe('live'), SOON);
  });

  it('give nothing twice after the token of an event that came while catching up', async () => {
    for (let n = 0; n < 60; n += 1) await trial.publish(ME, `K${n % 7}`, `e${n}`);
    const first = trial.open('earliest');
    await vi.waitFor(() => expect(first.ids()).toHaveLength(60), SOON);
    await trial.restart();
    const second = trial.open({ token: first.tokens()[20]! });
    await vi.waitFor(() => expect(second.ids()).toHaveLength(40), SOON);
    for (let at = 1; at < 40; at += 1) {
      const third = trial.open({ token: second.tokens()[at]! });
      const received = (): string[] => [...first.ids().slice(0, 20), ...second.ids().slice(0, at), ...third.ids()];
      await vi.waitFor(() => expect(received().length).toBeGreaterThanOrEqual(60), SOON);
      expect(received().sort()).toEqual([...first.ids()].sort());
    }
  });

  it('say that a topic was made anew when it ends before their token', async () => {
    await trial.publish(ME, 'K', 'e1');
    const sink = trial.open({
      token: '1~business-partner=0~contract=zz.zz.zz.zz.zz.zz.zz.zz.zz.zz.zz.zz~sales-order=0',
    });
    await vi.waitFor(() => expect(sink.ids()).toEqual(['e1']), SOON);
    expect(sink.events()[0]).toMatchObject({ data: { resumed: 'reset' } });
  });

  it('leave a reader behind that does not read, and give it everything when it does', async () => {
    const slow = trial.open('now');
    const quick = trial.open('now');
    await vi.waitFor(() => expect(quick.events()).toHaveLength(1), SOON);
    slow.queued = MAX_QUEUED_BYTES + 1;
    for (let n = 0; n < 30; n += 1) await trial.publish(ME, 'K', `e${n}`);
    await vi.waitFor(() => expect(quick.ids()).toHaveLength(30), SOON);
    expect(slow.ids()).toHaveLength(0);
    slow.drain();
    await vi.waitFor(() => expect(slow.ids()).toEqual(quick.ids()), SOON);
    await trial.publish(ME, 'K', 'after');
    await vi.waitFor(() => expect(slow.ids().at(-1)).toBe('after'), SOON);
    expect(slow.ids()).toHaveLength(31);
  });
});
