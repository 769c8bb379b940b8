/**
 * What the actors of a run write down, one JSON object per line. Moments are milliseconds of the machine's monotonic
 * clock, which all processes share. What is not known is left out, and nothing is ever written for what did not happen.
 */
export type HistoryLine =
  | QueueLine
  | PublishLine
  | ChangeLine
  | ObjectLine
  | RecordLine
  | DeliveryLine
  | FinalLine
  | ProgressLine
  | CycleLine
  | FetchLine
  | FaultLine
  | ExitLine;

/** As in Jepsen: a request that was not answered may have been done or not. */
export type Outcome = 'acknowledged' | 'refused' | 'unknown';

/** A queue of the run, before anything is delivered from it. It begins at the first event of its topics. */
export interface QueueLine {
  line: 'queue';
  queue: string;
  order: 'none' | 'key' | 'queue';
  /** Event types, exact or with a trailing wildcard. */
  types: readonly string[];
  /** Attempts until an event is given up; without, there is no end to them. */
  attempts?: number;
}

/** One call that published one event; the same event may be published again by a further call. */
export interface PublishLine {
  line: 'publish';
  topic: string;
  key: string;
  id: string;
  /** Digest of the data, in the JSON form that doors give. */
  content: string;
  begin: number;
  end: number;
  outcome: Outcome;
  status?: number;
  /** Where the answer says that the event stands. */
  partition?: number;
  offset?: number;
}

/** One call that changed one business object through its service. */
export interface ChangeLine {
  line: 'change';
  topic: string;
  key: string;
  /** The version it leads to when it is done; none for a call that must be refused. */
  version?: number;
  begin: number;
  end: number;
  outcome: Outcome;
  status?: number;
}

/** What the database holds of a business object when the load is over. */
export interface ObjectLine {
  line: 'object';
  topic: string;
  key: string;
  version: number;
  /** Events that its transactions raised, by the counter that is written with them. */
  events: number;
}

/** A record of a topic. */
export interface RecordLine {
  line: 'record';
  topic: string;
  partition: number;
  offset: number;
  key: string;
  id: string;
  type: string;
  sequence?: number;
  /** Digest of headers and value. */
  bytes: string;
  /** Digest of the data, in the JSON form that doors give. */
  content: string;
}

/** One delivery, from the moment the receiver had all of it to the moment it answered. */
export interface DeliveryLine {
  line: 'delivery';
  receiver: string;
  queue: string;
  /** The delivery cycle; none for the first passage of an event. */
  cycle?: string;
  id: string;
  type: string;
  key: string;
  sequence?: number;
  attempt: number;
  redelivery: 'no' | 'maybe' | 'yes';
  /** Digest of all that must be the same in every copy. */
  bytes: string;
  content: string;
  begin: number;
  end: number;
  /** `cut` when the connection, or the lease, ended before the receiver had answered. */
  answer: 'accept' | 'release' | 'reject' | 'cut';
  /** Of a lease: whether the settlement was confirmed, refused, or never answered. */
  settlement?: Outcome;
  /** When that was known. */
  settledAt?: number;
  /** Which ownership it was delivered under, when the delivery says so. */
  epoch?: string;
}

/** The final state of an event in a queue and delivery cycle, as the gateway keeps it. */
export interface FinalLine {
  line: 'final';
  queue: string;
  cycle?: string;
  id: string;
  topic: string;
  partition: number;
  offset: number;
  state: 'accepted' | 'dead';
  /** Attempts that were made. */
  attempts: number;
  reason?: string;
  /** Digest of headers and value as a dead letter keeps them, made like that of a record. */
  bytes?: string;
}

/** A record of a queue's progress, in the order in which they were stored. */
export interface ProgressLine {
  line: 'progress';
  queue: string;
  topic: string;
  partition: number;
  epoch: number;
  positionEpoch: number;
  contiguous: number;
  through: number;
  /** Where this record stands in its partition of the topic of progress. */
  at: number;
}

/** A redrive or replay that was asked for and acknowledged. */
export interface CycleLine {
  line: 'cycle';
  queue: string;
  cycle: string;
  ids: readonly string[];
}

/** A fetch of the object that a notification spoke of. */
export interface FetchLine {
  line: 'fetch';
  topic: string;
  key: string;
  /** The version that was notified. */
  notified: number;
  status: number;
  /** The version that was answered. */
  version?: number;
  begin: number;
  end: number;
}

/** Something that was done to a process or a connection on purpose. */
export interface FaultLine {
  line: 'fault';
  kind: 'kill' | 'pause' | 'cut' | 'stall';
  /** `gateway-1`, `broker`, `sales-order` … */
  target: string;
  begin: number;
  /** When it was over: the process runs again and is ready, the connection is let through. */
  end: number;
}

/** The end of a process. */
export interface ExitLine {
  line: 'exit';
  process: string;
  code: number | null;
  signal: string | null;
  /** Whether it was ended on purpose. */
  wanted: boolean;
  at: number;
}

/** Milliseconds of the monotonic clock of the machine (not of this process, as `performance.now()` is). */
export function moment(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
