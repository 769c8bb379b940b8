import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { allOf } from '../support/arrivals.js';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { call } from '../support/http-call.js';
import { freshKey } from '../support/orders.js';
import { type Published, publishContracts } from '../support/publishing.js';
import { deleteQueue, orderQueue, putQueue, readQueue } from '../support/queue-clients.js';
import type { Received, Receiver, ReceiverKind } from '../support/receiver.js';
import { deleteAllWebhooks } from '../support/webhooks.js';

/** Where the queues are. */
export interface ReceiverGround {
  gateway: string;
  /** Kills the gateway with SIGKILL, and starts it again. */
  restart(): Promise<void>;
  /** Resolves once the log says that these events are settled in a queue. */
  whenSettled(queue: string, events: readonly Published[]): Promise<void>;
}

/** Longer than any story takes, and the least there is. */
const LONG_MS = 15_000;
const SHORT_MS = 1000;
const WAIT = { timeout: 10_000 };
const RETRY = { firstMs: 50, factor: 2, capMs: 200, jitter: 0, attempts: 20 };

/** What every receiver of a queue is promised, by whatever door it comes. */
export function receiverContract(kind: ReceiverKind, groundOf: () => ReceiverGround): void {
  describe(`the receiver contract: ${kind.name}`, () => {
    let ground: ReceiverGround;
    let gateway: string;
    const receivers: Receiver[] = [];
    const queues: string[] = [];

    beforeEach(() => {
      ground = groundOf();
      ({ gateway } = ground);
    });
    afterEach(async () => {
      await deleteAllWebhooks(gateway);
      for (const receiver of receivers.splice(0)) await receiver.stop();
      for (const queue of queues.splice(0)) await deleteQueue(gateway, queue);
    });

    const newQueue = async (different: Record<string, unknown> = {}): Promise<string> => {
      const queue = await putQueue(gateway, { types: [CONTRACT_SIGNED], retry: RETRY, ...different });
      queues.push(queue);
      return queue;
    };
    const open = async (queue: string, leaseMs = LONG_MS): Promise<Receiver> => {
      const receiver = await kind.open({ gateway, queue, leaseMs });
      receivers.push(receiver);
      return receiver;
    };
    const publish = (keys: readonly string[]): Promise<Published[]> => publishContracts(gateway, keys);
    const whenAll = (receiver: Receiver, events: readonly Published[]): Promise<readonly Received[]> =>
      receiver.received.until(
        allOf(
          events.map(({ id }) => id),
          ({ id }) => id,
        ),
        { what: 'every event' },
      );

    test('events of a key come one at a time and in order, and those of others meanwhile', async () => {
      const receiver = await open(await newQueue());
      const [held, free] = newKeys(2);
      receiver.answerWith(({ key, attempt }) => (key === held && attempt === 1 ? 'keep' : 'accept'));
      const events = await publish([held, free, held, free, held, free]);
      await whenAll(receiver, ofKey(events, free));
      expect(receiver.firstsOf(free)).toEqual(idsOf(ofKey(events, free)));
      expect(receiver.firstsOf(held)).toEqual([ofKey(events, held)[0]!.id]);
      receiver.answerWith('accept');
      await receiver.of(ofKey(events, held)[0]!)[0]!.settle('accept');
      await whenAll(receiver, events);
      expect(receiver.firstsOf(held)).toEqual(idsOf(ofKey(events, held)));
      expect(receiver.received.all.map(({ redelivery }) => redelivery)).toEqual(Array(6).fill('no'));
    });

    test('a delivery that was released comes again as the same event, marked, with its count raised', async () => {
      const receiver = await open(await newQueue());
      receiver.answerWith(({ attempt }) => (attempt < 4 ? 'release' : 'accept'));
      const [event] = await publish(newKeys(1));
      await receiver.received.until((all) => all.length === 4);
      const deliveries = receiver.of(event!);
      expect(deliveries.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
      expect(deliveries.map(({ redelivery }) => redelivery)).toEqual(['no', 'yes', 'yes', 'yes']);
      expect(new Set(deliveries.map(({ text }) => text)).size).toBe(1);
      const gaps = deliveries.slice(1).map(({ at }, index) => at - deliveries[index]!.at);
      for (const [index, gap] of gaps.entries()) expect(gap).toBeGreaterThanOrEqual(RETRY.firstMs * 2 ** index - 10);
    });

    test('a delivery that nobody settles in time comes again, marked, before the later ones of its key', async () => {
      const receiver = await open(await newQueue(), SHORT_MS);
      receiver.answerWith(({ attempt, redelivery }) => (attempt === 1 && redelivery === 'no' ? 'keep' : 'accept'));
      const [key] = newKeys(1);
      const [first] = await publish([key]);
      await receiver.received.until((all) => all.length === 1);
      receiver.answerWith('accept');
      const [second] = await publish([key]);
      await whenAll(receiver, [second!]);
      expect(receiver.ids).toEqual([first!.id, first!.id, second!.id]);
      const [kept, again] = receiver.of(first!);
      expect(again).toMatchObject({ attempt: 2, redelivery: 'yes', text: kept!.text });
      expect(again!.at - kept!.at).toBeGreaterThanOrEqual(SHORT_MS - 10);
    });

    test('what is settled out of order is neither lost nor made again, and blocks nothing, also over kill -9', async () => {
      const queue = await newQueue({ order: 'none' });
      const receiver = await open(queue);
      receiver.answerWith('keep');
      const events = await publish(newKeys(8));
      await whenAll(receiver, events);
      const [first, ...others] = events;
      receiver.answerWith(({ id }) => (id === first!.id ? 'keep' : 'accept'));
      const further = await publish(newKeys(3));
      await whenAll(receiver, further);
      for (const event of others.toReversed()) await receiver.of(event)[0]!.settle('accept');
      // Where settlements are answered, the gateway may die as soon as the last one was.
      if (!kind.isAnswered) await ground.whenSettled(queue, [...others, ...further]);
      receiver.answerWith('accept');
      await ground.restart();
      await receiver.received.until(() => receiver.of(first!).length > 1);
      if (kind.isAnswered) {
        expect(await receiver.of(first!)[0]!.settle('accept')).toMatchObject({ code: 'lease-lost' });
      }
      const last = await publish(newKeys(3));
      await whenAll(receiver, last);
      const settled = kind.isAnswered ? others : [...others, ...further];
      for (const event of [...settled, ...last]) expect(receiver.of(event)).toHaveLength(1);
      expect(['yes', 'maybe']).toContain(receiver.of(first!).at(-1)!.redelivery);
    });

    test('an event that is always refused becomes a dead letter with its reason, and its key goes on', async () => {
      const queue = await newQueue({ retry: { ...RETRY, attempts: 3 } });
      const receiver = await open(queue);
      let refused = '';
      receiver.answerWith(({ id }) => (id === (refused ||= id) ? 'release' : 'accept'));
      const [key] = newKeys(1);
      const [poison, ...good] = await publish([key, key, key]);
      await whenAll(receiver, good);
      expect(receiver.ids).toEqual([...Array<string>(3).fill(poison!.id), ...idsOf(good)]);
      const letter = await deadLetterOf(queue);
      expect(letter).toMatchObject({ event: { id: poison!.id, key }, code: 'exhausted', attempts: 3, state: 'open' });
      expect(letter.reason).toMatch(kind.released);
      expect((await readQueue(gateway, queue)).statistics).toMatchObject({ dead: 1, leased: 0, waiting: 0 });
    });

    test.runIf(kind.canReject)(
      'an event that is rejected is a dead letter at once, with the reason given',
      async () => {
        const queue = await newQueue();
        const receiver = await open(queue);
        receiver.answerWith('keep');
        const [key] = newKeys(1);
        const [unwanted, next] = await publish([key, key]);
        await whenAll(receiver, [unwanted!]);
        receiver.answerWith('accept');
        const result = await receiver.of(unwanted!)[0]!.settle('reject', 'no such contract');
        if (kind.isAnswered) expect(result).toMatchObject({ state: 'rejected' });
        await whenAll(receiver, [next!]);
        expect(receiver.ids).toEqual([unwanted!.id, next!.id]);
        const letter = await deadLetterOf(queue);
        expect(letter).toMatchObject({ event: { id: unwanted!.id }, code: 'rejected', reason: 'no such contract' });
      },
    );

    test('a queue that is paused keeps everything, and delivers it in order once it is resumed', async () => {
      const queue = await newQueue();
      const receiver = await open(queue);
      const keys = newKeys(2);
      const before = await publish(keys);
      await whenAll(receiver, before);
      expect(await orderQueue(gateway, queue, 'pause')).toMatchObject({ paused: true });
      const events = await publish([...keys, ...keys, ...keys]);
      await vi.waitFor(async () => expect((await readQueue(gateway, queue)).statistics.ready).toBe(6), WAIT);
      expect(receiver.received.all).toHaveLength(2);
      await orderQueue(gateway, queue, 'resume');
      await whenAll(receiver, events);
      for (const key of keys) expect(receiver.firstsOf(key)).toEqual(idsOf(ofKey([...before, ...events], key)));
      expect(receiver.received.all).toHaveLength(8);
    });

    test('kill -9 of the gateway loses nothing and keeps the order of each key, and each repeat is marked as one', async () => {
      const receiver = await open(await newQueue());
      let count = 0;
      receiver.answerWith(() => ((count += 1) % 7 === 0 ? 'release' : 'accept'));
      const keys = newKeys(10);
      const published = publish(Array.from({ length: 20 }, () => keys).flat());
      await receiver.received.until((all) => all.length >= 50);
      const events = await published;
      await ground.restart();
      await whenAll(receiver, events);
      for (const key of keys) expect(receiver.firstsOf(key)).toEqual(idsOf(ofKey(events, key)));
      for (const event of events) {
        const [first, ...repeats] = receiver.of(event);
        for (const repeat of repeats) {
          expect(['yes', 'maybe']).toContain(repeat.redelivery);
          expect(repeat.text).toBe(first!.text);
        }
      }
    });

    test('two receivers of a queue get each event once between them, and another queue gives it out as well', async () => {
      const [shared, alone] = [await newQueue(), await newQueue()];
      const [one, two, other] = [await open(shared), await open(shared), await open(alone)];
      // None is so fast that nothing is left for the other.
      one.answerWith('keep');
      const first = await publish(newKeys(3));
      await vi.waitFor(() => expect(one.ids.length + two.ids.length).toBe(3), WAIT);
      for (const delivery of one.received.all) await delivery.settle('accept');
      one.answerWith('accept');
      const events = [...first, ...(await publish(newKeys(200)))];
      await whenAll(other, events);
      await vi.waitFor(() => expect(one.ids.length + two.ids.length).toBe(events.length), WAIT);
      expect(new Set([...one.ids, ...two.ids])).toEqual(new Set(idsOf(events)));
      expect(one.ids.length).toBeGreaterThan(0);
      expect(two.ids.length).toBeGreaterThan(0);
      expect(other.ids).toHaveLength(events.length);
    });

    test.runIf(kind.isAnswered)(
      'a settlement that comes too late is told why, each cause by a code of its own',
      async () => {
        const receiver = await open(await newQueue(), SHORT_MS);
        receiver.answerWith('keep');
        const [event] = await publish(newKeys(1));
        await receiver.received.until((all) => all.length === 2);
        const [expired, renewed] = receiver.of(event!);
        expect(await expired!.settle('accept')).toMatchObject({ code: 'lease-expired' });
        expect(await renewed!.settle('accept')).toMatchObject({ state: 'accepted' });
        if (kind.settlesOnce === true) return;
        expect(await renewed!.settle('accept')).toMatchObject({ state: 'accepted' });
        expect(await renewed!.settle('release')).toMatchObject({ code: 'lease-settled' });
      },
    );

    /** What is given up may go on before that is durable: a crash in between makes the delivery again. */
    async function deadLetterOf(queue: string): Promise<DeadLetter> {
      return vi.waitFor(async () => {
        const { json } = await call('GET', `${gateway}/v1/dead-letters?queue=${queue}`);
        const { deadLetters } = json as { deadLetters: DeadLetter[] };
        expect(deadLetters).toHaveLength(1);
        return deadLetters[0]!;
      }, WAIT);
    }
  });
}

interface DeadLetter {
  event: { id: string; key: string };
  code: string;
  reason: string;
  attempts: number;
  state: string;
}

function newKeys(count: number): [string, string, ...string[]] {
  return Array.from({ length: count }, () => `C-${freshKey()}-${randomUUID().slice(0, 4)}`) as [string, string];
}

function ofKey(events: readonly Published[], key: string): Published[] {
  return events.filter(({ subject }) => subject === key);
}

function idsOf(events: readonly Published[]): string[] {
  return events.map(({ id }) => id);
}
