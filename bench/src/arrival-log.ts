import { Latencies } from './latencies.js';

/** What came to a sink since it began. */
export interface Arrived {
  /** Different ones. */
  deliveries: number;
  duplicates: number;
  /** Those whose number nobody expected. */
  strangers: number;
  /** Later than one of the same key and endpoint that was made after it. */
  outOfOrder: number;
  firstMicros: number;
  lastMicros: number;
  bodyBytes: number;
  /** From the time in the id to the arrival, by group of endpoints. */
  latencies: string[];
  /** By group of endpoints, too. */
  groups: Group[];
}

export interface Group {
  deliveries: number;
  lastMicros: number;
}

/** What a sink is to expect. */
export interface Expectation {
  /** Numbers of events are below this. */
  events: number;
  /** Endpoints that each event goes to. */
  copies: number;
  /** Business keys; the number of an event, modulo this, is its key. */
  keys: number;
  /** Endpoints from here on are a group of their own. */
  groupAt?: number;
}

/** Notes when each delivery first came, in arrays of numbers: no object for any of them. */
export class ArrivalLog {
  readonly #arrivedAt: Float64Array;
  /** The last number of each key, by copy; the order within a key. */
  readonly #lastOfKey: Int32Array;
  readonly #latencies = [new Latencies(), new Latencies()] as const;
  readonly #groups: readonly [Group, Group] = [
    { deliveries: 0, lastMicros: 0 },
    { deliveries: 0, lastMicros: 0 },
  ];
  deliveries = 0;
  #duplicates = 0;
  #strangers = 0;
  #outOfOrder = 0;
  #firstMicros = 0;
  #lastMicros = 0;
  #bodyBytes = 0;

  constructor(private readonly expected: Expectation) {
    this.#arrivedAt = new Float64Array(expected.events * expected.copies);
    this.#lastOfKey = new Int32Array(expected.keys * expected.copies).fill(-1);
  }

  /** A delivery of the event with that number, which was made at `micros`, at an endpoint. */
  add(now: number, endpoint: number, { micros, number }: { micros: number; number: number }, bodyBytes: number): void {
    const { events, copies, keys, groupAt = Infinity } = this.expected;
    if (!(number >= 0 && number < events)) {
      this.#strangers += 1;
      return;
    }
    const copy = endpoint % copies;
    const index = number * copies + copy;
    if (this.#arrivedAt[index] !== 0) {
      this.#duplicates += 1;
      return;
    }
    this.#arrivedAt[index] = now;
    const key = (number % keys) * copies + copy;
    if (number < (this.#lastOfKey[key] ?? -1)) this.#outOfOrder += 1;
    else this.#lastOfKey[key] = number;
    this.deliveries += 1;
    if (this.#firstMicros === 0) this.#firstMicros = now;
    this.#lastMicros = now;
    this.#bodyBytes += bodyBytes;
    const group = endpoint >= groupAt ? 1 : 0;
    this.#groups[group].deliveries += 1;
    this.#groups[group].lastMicros = now;
    this.#latencies[group].record(now - micros);
  }

  /** Different deliveries so far, of a group of endpoints or of all. */
  count(group: 0 | 1 | undefined): number {
    return group === undefined ? this.deliveries : this.#groups[group].deliveries;
  }

  /** How many came first within a time. */
  between(fromMicros: number, toMicros: number): number {
    return this.#arrivedAt.reduce((count, at) => (at >= fromMicros && at <= toMicros ? count + 1 : count), 0);
  }

  get arrived(): Arrived {
    return {
      deliveries: this.deliveries,
      duplicates: this.#duplicates,
      strangers: this.#strangers,
      outOfOrder: this.#outOfOrder,
      firstMicros: this.#firstMicros,
      lastMicros: this.#lastMicros,
      bodyBytes: this.#bodyBytes,
      latencies: this.#latencies.map((each) => each.encoded()),
      groups: this.#groups.map((group) => ({ ...group })),
    };
  }
}
