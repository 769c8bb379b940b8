import { typeMatcher } from '@heddle/event';
import type {
  ChangeLine,
  CycleLine,
  DeliveryLine,
  ExitLine,
  FaultLine,
  FetchLine,
  FinalLine,
  HistoryLine,
  ObjectLine,
  ProgressLine,
  PublishLine,
  QueueLine,
  RecordLine,
} from './history.js';

/** A queue with all that is known of its deliveries. */
export interface QueueEvidence {
  definition: QueueLine;
  /** In the order in which they began. */
  deliveries: DeliveryLine[];
  /** Per cycle (empty for the first passage) and event, in the order in which they began. */
  passages: Map<string, Map<string, DeliveryLine[]>>;
  finals: FinalLine[];
  /** Events, by id, that became dead letters in their first passage. */
  dead: Set<string>;
  /** The records of each of them: a relay that appended an event twice may have it given up twice. */
  deadRecords: Map<string, Set<string>>;
  /** Cycles that were asked for. */
  cycles: Map<string, CycleLine>;
  wants(type: string): boolean;
}

/** An ownership that ended by a fault may do so this long after: sessions must run out, and groups find together. */
const AFTERMATH_MS = 20_000;
/** What can end an ownership of queues, or make it unsure. */
const OWNERSHIP = /^(gateway|broker)/;

/** Gathers the lines of a run, in whatever order they come, into what the rules look at. */
export class Evidence {
  readonly publishes = new Map<string, PublishLine[]>();
  /** By topic and key. */
  readonly changes = new Map<string, ChangeLine[]>();
  /** By topic and key. */
  readonly objects = new Map<string, ObjectLine>();
  /** By id, in log order. */
  readonly records = new Map<string, RecordLine[]>();
  /** By topic and partition, in log order. */
  readonly partitions = new Map<string, RecordLine[]>();
  readonly queues = new Map<string, QueueEvidence>();
  readonly progress: ProgressLine[] = [];
  readonly fetches: FetchLine[] = [];
  readonly faults: FaultLine[] = [];
  readonly exits: ExitLine[] = [];
  /** Topics whose events services raise; what is in others was published. */
  readonly raised = new Set<string>();
  /** Lines that speak of a queue nobody introduced. */
  readonly strangers: HistoryLine[] = [];
  #early: (DeliveryLine | FinalLine | CycleLine)[] = [];

  add(line: HistoryLine): void {
    switch (line.line) {
      case 'queue':
        this.queues.set(line.queue, evidenceOf(line));
        break;
      case 'publish':
        listIn(this.publishes, line.id).push(line);
        break;
      case 'change':
        this.raised.add(line.topic);
        listIn(this.changes, objectName(line)).push(line);
        break;
      case 'object':
        this.raised.add(line.topic);
        this.objects.set(objectName(line), line);
        break;
      case 'record':
        listIn(this.partitions, `${line.topic}/${line.partition}`).push(line);
        break;
      case 'delivery':
      case 'final':
      case 'cycle':
        this.#early.push(line);
        break;
      case 'progress':
        this.progress.push(line);
        break;
      case 'fetch':
        this.fetches.push(line);
        break;
      case 'fault':
        this.faults.push(line);
        break;
      case 'exit':
        this.exits.push(line);
        break;
    }
  }

  /** To be called once all lines are there. */
  complete(): this {
    for (const records of this.partitions.values()) {
      records.sort((one, other) => one.offset - other.offset);
      for (const record of records) listIn(this.records, record.id).push(record);
    }
    for (const line of this.#early) {
      const queue = this.queues.get(line.queue);
      if (queue === undefined) this.strangers.push(line);
      else if (line.line === 'delivery') queue.deliveries.push(line);
      else if (line.line === 'cycle') queue.cycles.set(line.cycle, line);
      else addFinal(queue, line);
    }
    this.#early = [];
    for (const queue of this.queues.values()) arrange(queue);
    this.progress.sort((one, other) => one.at - other.at);
    return this;
  }

  /** How many records of an event a queue hands out in a cycle: each is delivered on its own. */
  recordsIn({ deadRecords }: QueueEvidence, cycle: string, id: string): number {
    return (cycle === '' ? this.records.get(id)?.length : deadRecords.get(id)?.size) ?? 1;
  }

  /** Whether an ownership of queues that was there at the first moment may have ended before the second. */
  isDisturbed(from: number, to: number): boolean {
    return this.faults.some(
      ({ target, begin, end }) => OWNERSHIP.test(target) && begin <= to && end + AFTERMATH_MS >= from,
    );
  }
}

export function objectName({ topic, key }: { topic: string; key: string }): string {
  return `${topic}/${key}`;
}

function evidenceOf(definition: QueueLine): QueueEvidence {
  return {
    definition,
    deliveries: [],
    passages: new Map(),
    finals: [],
    dead: new Set(),
    deadRecords: new Map(),
    cycles: new Map(),
    wants: typeMatcher(definition.types),
  };
}

function addFinal(queue: QueueEvidence, line: FinalLine): void {
  queue.finals.push(line);
  if (line.state !== 'dead' || line.cycle !== undefined) return;
  queue.dead.add(line.id);
  const places = queue.deadRecords.get(line.id) ?? new Set();
  queue.deadRecords.set(line.id, places.add(`${line.topic}/${line.partition}/${line.offset}`));
}

function arrange(queue: QueueEvidence): void {
  queue.deliveries.sort((one, other) => one.begin - other.begin);
  for (const delivery of queue.deliveries) {
    const cycle = delivery.cycle ?? '';
    let events = queue.passages.get(cycle);
    if (events === undefined) queue.passages.set(cycle, (events = new Map()));
    listIn(events, delivery.id).push(delivery);
  }
}

function listIn<K, V>(lists: Map<K, V[]>, key: K): V[] {
  let list = lists.get(key);
  if (list === undefined) lists.set(key, (list = []));
  return list;
}
