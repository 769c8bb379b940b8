import type { DeliveryLine, HistoryLine, ProgressLine, QueueLine, RecordLine } from './history.js';
import { CONTRACTS, ORDERS, type Appended, type Draw, type Moments, appendAll, takeovers } from './clean-log.js';

const QUEUES: readonly QueueLine[] = [
  { line: 'queue', queue: 'all-by-key', order: 'key', types: [ORDERS, CONTRACTS] },
  { line: 'queue', queue: 'orders-few-attempts', order: 'key', types: [ORDERS], attempts: 3 },
  { line: 'queue', queue: 'contracts-unordered', order: 'none', types: [CONTRACTS], attempts: 4 },
  { line: 'queue', queue: 'contracts-pulled', order: 'key', types: [CONTRACTS], attempts: 5 },
  { line: 'queue', queue: 'orders-in-one-row', order: 'queue', types: [ORDERS] },
];

const RETRY_MS = 5;
/** When redrives and replays are asked for. */
const LONG_AFTER = 1e9;

/**
 * The history of a run in which every promise was kept, and everything happened that may happen: requests without an
 * answer, relays that append again, kills and takeovers, retries, dead letters, redrives and replays, leases that end.
 */
export function cleanHistory(draw: Draw, size = 40): HistoryLine[] {
  const faults = takeovers(draw, size);
  const { lines, records, objects } = appendAll(draw, size, faults);
  const history: HistoryLine[] = [...QUEUES, ...lines, ...records.map(({ record }) => record)];
  for (const begin of faults) {
    const target = draw.one(['gateway-1', 'gateway-2', 'broker']);
    history.push({ line: 'fault', kind: draw.one(['kill', 'pause', 'cut']), target, begin, end: begin + 3 });
    if (draw.share(0.5)) {
      history.push({ line: 'exit', process: target, code: null, signal: 'SIGKILL', wanted: true, at: begin });
    }
  }
  for (const definition of QUEUES) {
    for (const line of new CleanQueue(draw, definition, faults).passAll(records)) history.push(line);
  }
  for (const { topic, key, version } of objects) {
    const status = draw.one([200, 200, 410, 503]);
    const answered = status === 200 ? { version: version + draw.below(3) } : {};
    history.push({ line: 'fetch', topic, key, notified: version, status, begin: 0, end: 1, ...answered });
  }
  return draw.shuffled(history);
}

/** One queue in which all goes as it should. */
class CleanQueue {
  #lines: HistoryLine[] = [];
  #free = new Map<string, number>();
  #isPulled: boolean;
  #leases = 0;

  constructor(
    private readonly draw: Draw,
    private readonly definition: QueueLine,
    private readonly faults: Moments,
  ) {
    this.#isPulled = definition.queue.endsWith('pulled');
  }

  passAll(appended: readonly Appended[]): HistoryLine[] {
    const wanted = appended.filter(({ record }) => this.#wants(record));
    const before = new Map<string, Appended>();
    for (const one of wanted) {
      const lane = this.#lane(one.record);
      this.#pass(one, this.definition.order === 'none' ? undefined : before.get(lane));
      before.set(lane, one);
    }
    this.#beginCycles(wanted);
    this.#progress(wanted);
    return this.#lines;
  }

  #wants({ type }: RecordLine): boolean {
    return this.definition.types.some((pattern) => type.startsWith(pattern.replace('*', '')));
  }

  #lane({ id, key }: RecordLine): string {
    return { none: id, key, queue: '' }[this.definition.order];
  }

  /** One event, from its first attempt to its final state; `before` is what its lane delivered last. */
  #pass({ record, at }: Appended, before: Appended | undefined): void {
    const { draw } = this;
    const { attempts: most = Infinity } = this.definition;
    const lane = this.#lane(record);
    let now = Math.max(at, this.#free.get(lane) ?? 0);
    let mark: DeliveryLine['redelivery'] = this.faults.some((fault) => fault > at && fault < now) ? 'maybe' : 'no';
    for (let attempt = 1; ;) {
      const begin = now + 1 + draw.below(3);
      const end = begin + 1 + draw.below(5);
      const lost = this.faults.find((fault) => fault > begin && fault < end + 2);
      if (lost !== undefined && draw.share(0.7)) {
        // Its owner ends before it has noted the outcome: the next one begins with it again, maybe with the one before.
        this.#deliver(record, { attempt, redelivery: mark, begin, end: end + draw.below(9) }, { unknown: true });
        now = lost + 1;
        if (before !== undefined && !this.#isPulled && draw.share(0.3)) {
          this.#deliver(before.record, { attempt: 1, redelivery: 'maybe', begin: now + 1, end: now + 2 }, {});
          now += 3;
        }
        mark = attempt > 1 ? 'yes' : 'maybe';
        continue;
      }
      const isLast = attempt >= most;
      const answer: DeliveryLine['answer'] = draw.share(0.8)
        ? 'accept'
        : !isLast && draw.share(0.9)
          ? 'release'
          : draw.one(['reject', 'release']);
      this.#deliver(record, { attempt, redelivery: mark, begin, end }, { answer });
      now = end;
      const isDead = answer === 'reject' || (answer === 'release' && isLast);
      if (answer === 'accept' || isDead) {
        this.#end(record, attempt, isDead, answer);
        break;
      }
      attempt += 1;
      mark = 'yes';
      now += RETRY_MS;
    }
    this.#free.set(lane, now);
  }

  #end(record: RecordLine, attempts: number, isDead: boolean, answer: string, cycle?: string): void {
    const { id, topic, partition, offset, bytes } = record;
    const place = { line: 'final', queue: this.definition.queue, id, topic, partition, offset, attempts } as const;
    const reason = answer === 'reject' ? 'rejected: not for us' : 'status 503';
    const state = isDead ? ({ state: 'dead', reason, bytes } as const) : ({ state: 'accepted' } as const);
    this.#lines.push({ ...place, ...state, ...(cycle === undefined ? {} : { cycle }) });
    // The same state may be kept twice.
    if (!isDead && this.draw.share(0.02))
      this.#lines.push({ ...place, ...state, ...(cycle === undefined ? {} : { cycle }) });
  }

  #deliver(
    record: RecordLine,
    what: Pick<DeliveryLine, 'attempt' | 'redelivery' | 'begin' | 'end' | 'cycle'>,
    { answer, unknown = false }: { answer?: DeliveryLine['answer']; unknown?: boolean },
  ): void {
    const { id, type, key, sequence, bytes, content } = record;
    const settlement = unknown ? this.draw.one(['unknown', 'refused'] as const) : ('acknowledged' as const);
    const where = this.#isPulled ? { settlement } : {};
    this.#lines.push({
      line: 'delivery',
      queue: this.definition.queue,
      receiver: this.#isPulled ? `pull-${(this.#leases += 1) % 2}` : 'sink',
      id,
      type,
      key,
      ...(sequence === undefined ? {} : { sequence }),
      bytes: `body of ${bytes}`,
      content,
      answer: answer ?? this.draw.one(['accept', 'cut', 'release']),
      ...where,
      ...what,
    });
  }

  /** What was given up is redriven, a part of the log is replayed: each in a cycle of its own, in any order. */
  #beginCycles(wanted: readonly Appended[]): void {
    const { queue } = this.definition;
    const dead = new Set(this.#lines.filter((line) => line.line === 'final' && line.state === 'dead').map(placeOf));
    // A relay may have appended an event twice, and both were given up.
    const redriven = wanted.filter(({ record }) => dead.has(placeOf(record)));
    const replayed = wanted.filter((_, at) => at < 8 && isFirst(wanted, at));
    for (const [cycle, events] of [
      ['redrive-1', redriven],
      ['replay-1', replayed],
    ] as const) {
      if (events.length === 0 || this.draw.share(0.3)) continue;
      this.#lines.push({ line: 'cycle', queue, cycle, ids: events.map(({ record }) => record.id) });
      for (const { record } of this.draw.shuffled(events)) {
        const begin = Math.max(LONG_AFTER, this.#free.get('cycles') ?? 0);
        const redelivery = this.draw.one(['no', 'yes'] as const);
        this.#deliver(record, { attempt: 1, redelivery, begin, end: begin + 1, cycle }, { answer: 'accept' });
        this.#end(record, 1, false, 'accept', cycle);
        this.#free.set('cycles', begin + 2);
      }
    }
  }

  /** Stored now and then, by one owner after another; an owner may know less than the one before it had noted. */
  #progress(wanted: readonly Appended[]): void {
    const partitions = Map.groupBy(wanted, ({ record }) => `${record.topic}/${record.partition}`);
    let at = 0;
    for (const records of partitions.values()) {
      const { topic, partition } = records[0]!.record;
      let [epoch, contiguous, through] = [1, 0, 0];
      for (const { record } of records) {
        if (this.draw.share(0.05)) {
          epoch += 1;
          contiguous = Math.max(0, contiguous - this.draw.below(3));
        }
        through = Math.max(through, record.offset + 1);
        contiguous = Math.max(contiguous, through - this.draw.below(4));
        const place = { queue: this.definition.queue, topic, partition, epoch, positionEpoch: 0 };
        const line: ProgressLine = { line: 'progress', ...place, contiguous, through, at: (at += 1) };
        this.#lines.push(line);
      }
    }
  }
}

function placeOf(line: HistoryLine): string {
  return line.line === 'final' || line.line === 'record' ? `${line.topic}/${line.partition}/${line.offset}` : '';
}

function isFirst(appended: readonly Appended[], index: number): boolean {
  const { id } = appended[index]!.record;
  return appended.findIndex(({ record }) => record.id === id) === index;
}
