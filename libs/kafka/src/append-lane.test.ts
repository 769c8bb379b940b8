import type { AppendOutcome } from '@heddle/event';
import { HeddleError } from '@heddle/event';
import type { Kafka, ProducerBatch, RecordMetadata } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppendLane, type Pending } from './append-lane.js';

type Answer = (records: readonly Pending[]) => Promise<RecordMetadata[]>;

let requests: number[][];
let producers: number;
let answers: Answer[];
let outcomes: Map<number, AppendOutcome>;
let log: string[];
let missing: Map<string, HeddleError>;

beforeEach(() => {
  vi.useFakeTimers();
  [requests, producers, answers, log] = [[], 0, [], []];
  outcomes = new Map();
  missing = new Map();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A lane whose broker takes everything, numbering as a log does, unless an answer was prepared. */
function open(requestRecords = 3): AppendLane {
  let end = 0;
  const accept: Answer = (records) => {
    const base = end;
    end += records.length;
    return Promise.resolve([at(base)]);
  };
  const producer = {
    connect: () => Promise.resolve(void (producers += 1)),
    disconnect: () => Promise.resolve(),
    sendBatch: ({ topicMessages = [] }: ProducerBatch) => {
      const records = topicMessages.flatMap(({ messages }) => messages as unknown as Pending[]);
      for (const record of records) record.partition = 0;
      requests.push(records.map(numberOf));
      return (answers.shift() ?? accept)(records);
    },
  };
  const kafka = { producer: () => producer } as unknown as Kafka;
  const limits = { requestRecords, requestBytes: 1000 };
  return new AppendLane(
    kafka,
    limits,
    (_, event) => log.push(event),
    () => Promise.resolve(missing),
  );
}

function at(baseOffset: number, errorCode = 0): RecordMetadata {
  return { topicName: 't', partition: 0, errorCode, baseOffset: String(baseOffset) };
}

function pending(n: number, key = 'k', own: Partial<Pending> = {}): Pending {
  return {
    topic: 't',
    key,
    value: Buffer.from([n]),
    headers: {},
    bytes: 10,
    deadline: Date.now() + 30_000,
    partition: -1,
    keyHash: 0,
    isSettled: false,
    settle: (outcome) => {
      expect(outcomes.has(n)).toBe(false);
      outcomes.set(n, outcome);
    },
    ...own,
  };
}

const numberOf = (record: Pending): number => record.value?.[0] ?? -1;
const results = (): Record<number, number | string> =>
  Object.fromEntries(
    Array.from(outcomes, ([n, outcome]) => [n, 'error' in outcome ? outcome.error.code : outcome.position.offset]),
  );
const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(5000);

function failure(type: string): Error {
  return Object.assign(new Error(type), { name: 'KafkaJSProtocolError', type });
}

describe('a lane of appends', () => {
  it('under load joins what comes within 4 ms in one request; what comes alone waits for nothing', async () => {
    const lane = open(100);
    for (const n of [1, 2, 3, 4]) lane.add(pending(n));
    await vi.advanceTimersByTimeAsync(1);
    lane.add(pending(5));
    await vi.advanceTimersByTimeAsync(1);
    lane.add(pending(6));
    expect(requests).toEqual([[1, 2, 3, 4]]);
    await vi.advanceTimersByTimeAsync(3);
    expect(requests).toEqual([
      [1, 2, 3, 4],
      [5, 6],
    ]);
    for (const n of [7, 8]) {
      lane.add(pending(n));
      await vi.advanceTimersByTimeAsync(0);
      expect(requests.at(-1)).toEqual([n]);
    }
  });

  it('sends what is added in one turn in one request, and what comes meanwhile in the next', async () => {
    const lane = open();
    const gate = Promise.withResolvers<RecordMetadata[]>();
    answers.push(() => gate.promise);
    lane.add(pending(1));
    lane.add(pending(2));
    await vi.advanceTimersByTimeAsync(0);
    lane.add(pending(3));
    lane.add(pending(4));
    await vi.advanceTimersByTimeAsync(0);
    expect(requests).toEqual([[1, 2]]);
    gate.resolve([at(100)]);
    answers.push(() => Promise.resolve([at(102)]));
    await settled();
    expect(requests).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(results()).toEqual({ 1: 100, 2: 101, 3: 102, 4: 103 });
  });

  it('keeps requests within their limits', async () => {
    const lane = open();
    for (const n of [1, 2, 3, 4]) lane.add(pending(n));
    lane.add(pending(5, 'k', { bytes: 5000 }));
    await settled();
    expect(requests).toEqual([[1, 2, 3], [4], [5]]);
  });

  it('tries again with a fresh producer after an error that leaves open what happened', async () => {
    const lane = open();
    answers.push(() => Promise.reject(failure('REQUEST_TIMED_OUT')));
    lane.add(pending(1));
    await settled();
    expect(requests).toEqual([[1], [1]]);
    expect(producers).toBe(2);
    expect(results()).toEqual({ 1: 0 });
  });

  it('never acknowledges a position that it has named before: those records are appended again', async () => {
    const lane = open();
    answers.push(
      () => Promise.resolve([at(7)]),
      () => Promise.resolve([at(7)]),
      () => Promise.resolve([at(8)]),
    );
    lane.add(pending(1));
    await settled();
    lane.add(pending(2));
    await settled();
    expect(requests).toEqual([[1], [2], [2]]);
    expect(results()).toEqual({ 1: 7, 2: 8 });
    expect(producers).toBe(2);
    expect(log).toContain('append.position-named-twice');
  });

  it('appends again what the answer gave no position for', async () => {
    const lane = open();
    answers.push(
      () => Promise.resolve([]),
      () => Promise.resolve([at(-1)]),
      () => Promise.resolve([at(3, 7)]),
    );
    lane.add(pending(1));
    await settled();
    expect(requests).toHaveLength(4);
    expect(results()).toEqual({ 1: 0 });
  });

  it('finds the record that is too large among its neighbours, and holds back the later ones of its key', async () => {
    const lane = open();
    const refuse: Answer = () => Promise.reject(failure('MESSAGE_TOO_LARGE'));
    answers.push(refuse, refuse);
    lane.add(pending(1, 'bad'));
    lane.add(pending(2, 'bad'));
    lane.add(pending(3, 'good'));
    lane.add(pending(4, 'bad'));
    lane.add(pending(5, 'good'));
    await settled();
    expect(results()).toEqual({ 1: 'too-large', 2: 'not-appended', 3: 0, 4: 'not-appended', 5: 1 });
  });

  it('answers at the deadline while a request is still under way, and lets nothing of the key overtake it', async () => {
    const lane = open();
    const gate = Promise.withResolvers<RecordMetadata[]>();
    answers.push(() => gate.promise);
    lane.add(pending(1, 'k', { deadline: Date.now() + 1000 }));
    await vi.advanceTimersByTimeAsync(0);
    lane.add(pending(2, 'k'));
    lane.add(pending(3, 'other'));
    lane.expire(Date.now() + 1001);
    expect(results()).toEqual({ 1: 'log-unavailable', 2: 'not-appended' });
    lane.add(pending(4, 'k'));
    await settled();
    expect(requests).toEqual([[1]]);
    gate.resolve([at(0)]);
    answers.push(() => Promise.resolve([at(1)]));
    await settled();
    expect(requests).toEqual([[1], [3, 4]]);
    expect(results()).toEqual({ 1: 'log-unavailable', 2: 'not-appended', 3: 1, 4: 2 });
  });

  it('gives up at the deadline when every try fails', async () => {
    const lane = open();
    answers = Array.from({ length: 50 }, () => () => Promise.reject(failure('NOT_ENOUGH_REPLICAS')));
    lane.add(pending(1, 'k', { deadline: Date.now() + 3000 }));
    await settled();
    expect(results()).toEqual({ 1: 'log-unavailable' });
    answers = [];
    lane.add(pending(2));
    await settled();
    expect(results()).toEqual({ 1: 'log-unavailable', 2: 0 });
  });

  it('answers for a topic that was deleted, and the others go on', async () => {
    const lane = open();
    answers.push(() => Promise.reject(failure('UNKNOWN_TOPIC_OR_PARTITION')));
    missing.set('gone', new HeddleError('log-unavailable', 'The topic gone does not exist.'));
    lane.add(pending(1, 'k', { topic: 'gone' }));
    lane.add(pending(2));
    await settled();
    expect(results()).toEqual({ 1: 'log-unavailable', 2: 0 });
  });

  it('answers everything it took before it closes', async () => {
    const lane = open();
    lane.add(pending(1));
    const closed = lane.close();
    await vi.advanceTimersByTimeAsync(0);
    await closed;
    expect(results()).toEqual({ 1: 0 });
  });
});
