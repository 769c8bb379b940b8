import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { callerFor } from '../identity/identity-trial.js';
import { streamWish } from '../protocols/stream-request.js';
import { CONTRACT_DRAFTED, CONTRACT_SIGNED, TrialStreams } from './streams-trial.js';

const SOON = { timeout: 10_000 };
const ACME = callerFor('acme');
const OTHER = callerFor('other');
const LOCAL = callerFor();

let trial: TrialStreams;

beforeEach(async () => {
  trial = await TrialStreams.start();
});

afterEach(() => trial.close());

describe('streams of tenants', () => {
  it('carry the events of their own tenant and no word of another one, from wherever they begin', async () => {
    for (let n = 0; n < 30; n += 1) {
      await trial.publish(ACME, `acme-canary-${n % 3}`, `a${n}`);
      await trial.publish(OTHER, `other-canary-${n % 3}`, `o${n}`);
    }
    await trial.findTopics();
    const live = trial.open('now', ACME);
    const early = trial.open('earliest', ACME);
    await trial.publish(OTHER, 'other-canary', 'o30');
    await trial.publish(LOCAL, 'local-canary', 'l0');
    await trial.publish(ACME, 'acme-canary', 'a30');
    await vi.waitFor(() => expect(live.ids()).toEqual(['a30']), SOON);
    await vi.waitFor(() => expect(early.ids()).toHaveLength(31), SOON);
    // Behind the tail, too: from the log.
    await trial.restart();
    const resumed = trial.open({ token: early.tokens()[1]! }, ACME);
    await vi.waitFor(() => expect(resumed.ids()).toHaveLength(30), SOON);
    await trial.publish(OTHER, 'other-canary', 'o31');
    await trial.publish(ACME, 'acme-canary', 'a31');
    await vi.waitFor(() => expect(resumed.ids().at(-1)).toBe('a31'), SOON);
    for (const { text } of [live, early, resumed]) {
      expect(text).toContain('acme-canary');
      expect(text).not.toMatch(/other|local-canary|"o\d+"/);
    }
  });

  it('have tokens that say how far their own tenant has come, whatever the others do', async () => {
    await trial.publish(ACME, 'K', 'a1');
    await trial.publish(OTHER, 'K', 'o1');
    await trial.findTopics();
    const before = trial.open('now', ACME).tokens()[0];
    await trial.publish(OTHER, 'K', 'o2', 'o3');
    const other = trial.open('earliest', OTHER);
    await vi.waitFor(() => expect(other.ids()).toEqual(['o1', 'o2', 'o3']), SOON);
    expect(trial.open('now', ACME).tokens()[0]).toBe(before);
    expect(before).toMatch(/^1\.acme~contract=[0-9a-z.]+$/);
  });

  it('refuse the token of another tenant, and one that was made to name topics of another one', async () => {
    await trial.publish(ACME, 'K', 'a1');
    await trial.publish(LOCAL, 'K', 'l1');
    await trial.findTopics();
    const tokens = { acme: trial.open('now', ACME).tokens()[0]!, local: trial.open('now', LOCAL).tokens()[0]! };
    const wish = (caller: typeof ACME, resume: string) => () => streamWish(caller, new URLSearchParams({ resume }));
    expect(wish(ACME, tokens.acme)().start).toEqual({ token: tokens.acme });
    expect(wish(LOCAL, tokens.local)().start).toEqual({ token: tokens.local });
    for (const [caller, resume] of [
      [OTHER, tokens.acme],
      [OTHER, tokens.local],
      [LOCAL, tokens.acme],
      [ACME, tokens.local],
      [OTHER, '1.other~acme.contract=0'],
      [LOCAL, '1~acme.contract=0'],
    ] as const) {
      expect(wish(caller, resume), `${caller.tenant} with ${resume}`).toThrow(
        expect.objectContaining({ code: 'parameter-invalid', field: 'resume' }) as Error,
      );
    }
  });

  it('of another tenant that is busy do not hold back a token from being exact', async () => {
    await trial.publish(ACME, 'K', 'a1', 'a2');
    await trial.findTopics();
    const first = trial.open('earliest', ACME);
    await vi.waitFor(() => expect(first.ids()).toHaveLength(2), SOON);
    await trial.publish(OTHER, 'K', 'o1');
    await trial.findTopics();
    const again = trial.open({ token: first.tokens()[1]! }, ACME);
    await vi.waitFor(() => expect(again.ids()).toEqual(['a2']), SOON);
    expect(again.events()[0]).toMatchObject({ data: { resumed: 'exact', gaps: [] } });
  });

  it('have all of a topic that came into being while they were open, also what came before it was found', async () => {
    const sink = trial.open('now', ACME);
    await trial.publish(ACME, 'K', 'a1', 'a2');
    await trial.findTopics();
    await trial.publish(ACME, 'K', 'a3');
    await vi.waitFor(() => expect(sink.ids()).toEqual(['a1', 'a2', 'a3']), SOON);
    const again = trial.open({ token: sink.tokens()[0]! }, ACME);
    await vi.waitFor(() => expect(again.ids()).toEqual(['a1', 'a2', 'a3']), SOON);
  });
});

describe('what a client may consume', () => {
  const some = (...permissions: string[]) => callerFor('local', permissions);
  const both = [CONTRACT_SIGNED, CONTRACT_DRAFTED] as const;

  async function publishBoth(): Promise<void> {
    await trial.publisher.publish(
      LOCAL,
      both.map((type, index) => trial.event(type, 'K', `e${index}`)),
    );
  }

  it('is all that a stream without types carries, whole segments of permissions included', async () => {
    const sinks = [
      trial.open('now', some('consume:type:heddle.+.v1.Contract.Signed.v1')),
      trial.open('now', some(`consume:type:${CONTRACT_DRAFTED}`, 'consume:type:heddle.other.*')),
      trial.open('now', some('consume:type:heddle.contract.*')),
      trial.open('now', some('*'), ['heddle.contract.v1.Contract.S*']),
    ];
    await publishBoth();
    await vi.waitFor(() => expect(sinks[2]!.ids()).toEqual(['e0', 'e1']), SOON);
    await vi.waitFor(
      () => expect(sinks.map((sink) => sink.ids())).toEqual([['e0'], ['e1'], ['e0', 'e1'], ['e0']]),
      SOON,
    );
  });

  it('covers every pattern that is asked for, or the permission that lacks is named', () => {
    const caller = some('consume:type:heddle.contract.*', 'publish:type:*');
    const wish = (types: string) => () => streamWish(caller, new URLSearchParams({ types }));
    expect(wish(`${CONTRACT_SIGNED},heddle.contract.v1.*`)().patterns).toHaveLength(2);
    for (const [types, permission] of [
      ['*', 'consume:type:*'],
      ['heddle.*', 'consume:type:heddle.*'],
      [`${CONTRACT_SIGNED},sap.s4.beh.salesorder.*`, 'consume:type:sap.s4.beh.salesorder.*'],
    ] as const) {
      expect(wish(types)).toThrow(
        expect.objectContaining({
          code: 'permission-missing',
          message: expect.stringContaining(permission) as string,
        }) as Error,
      );
    }
    expect(() => streamWish(some('publish:type:*'), new URLSearchParams())).toThrow('consume:type:');
  });

  it('is asked for by nobody in a URL with a token in it', () => {
    expect(() => streamWish(LOCAL, new URLSearchParams({ access_token: 'x' }))).toThrow(/do not belong into URLs/);
  });
});
