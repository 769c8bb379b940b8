import type { HttpDoor } from '../http-door.js';
import { Latencies } from '../latencies.js';
import { acceptedIn, duesIn, idsIn, leasesIn, settlementsText } from '../lease-scan.js';
import { QueueCaller } from '../queue-caller.js';
import { readId } from '../sample-event.js';
import { answer } from './answer.js';

export interface ParkingWork extends HttpDoor {
  queue: string;
  connections: number;
  /** Deliveries of one request. */
  perRequest: number;
  events: number;
  timeoutMs: number;
}

export interface Taken {
  taken: number;
  /** Granted before they were due. */
  early: number;
  /** More than once, or never parked. */
  strangers: number;
  /** From when each was due to when it was had. */
  lateness: string;
}

export type QueueParking = {
  /** Releases each delivery until a time of its own, evenly between two times of the wall clock; says how many. */
  park(work: ParkingWork & { fromMs: number; toMs: number }): Promise<number>;
  /** Receives and accepts what was parked, as it becomes due. */
  take(work: ParkingWork): Promise<Taken>;
};

/** When the event with each number is due; 0 for those that are not parked. */
let dueAt = new Float64Array();

async function park(work: ParkingWork & { fromMs: number; toMs: number }): Promise<number> {
  const { events, perRequest, fromMs, toMs } = work;
  dueAt = new Float64Array(events);
  let parked = 0;
  await onEach(work, async (caller) => {
    const body = await caller.ask('receive', `{"max":${perRequest},"waitMs":500}`);
    const numbers = numbersIn(body);
    if (numbers.length === 0) return parked < events;
    const now = Date.now();
    const settlements = leasesIn(body).map((lease, index) => {
      const due = fromMs + ((toMs - fromMs) * (numbers[index] ?? 0)) / events;
      const delayMs = Math.max(0, Math.round(due - now));
      return `{"lease":"${lease}","action":"release","delayMs":${delayMs}}`;
    });
    const dues = duesIn(await caller.ask('settle', `{"settlements":[${settlements.join(',')}]}`));
    for (const [index, due] of dues.entries()) dueAt[numbers[index] ?? 0] = due;
    parked += dues.length;
    return parked < events;
  });
  return parked;
}

async function take(work: ParkingWork): Promise<Taken> {
  const { events, perRequest } = work;
  const lateness = new Latencies();
  let taken = 0;
  let early = 0;
  let strangers = 0;
  await onEach(work, async (caller) => {
    const body = await caller.ask('receive', `{"max":${perRequest},"waitMs":1000}`);
    const now = Date.now();
    for (const number of numbersIn(body)) {
      const due = dueAt[number] ?? 0;
      if (due === 0) strangers += 1;
      else if (now < due) early += 1;
      else lateness.record((now - due) * 1000);
      dueAt[number] = 0;
    }
    const leases = leasesIn(body);
    if (leases.length === 0) return taken < events;
    const settled = await caller.ask('settle', `{${settlementsText(leases)}}`);
    taken += acceptedIn(settled);
    return taken < events;
  });
  return { taken, early, strangers, lateness: lateness.encoded() };
}

/** Does a piece of work over and over on every connection, until one says that all is done, or the time is over. */
async function onEach(
  { port, authorization, queue, connections, timeoutMs }: ParkingWork,
  piece: (caller: QueueCaller) => Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  const loop = async (): Promise<void> => {
    const caller = new QueueCaller({ port, authorization }, queue);
    try {
      while ((await piece(caller)) && Date.now() < deadline);
    } finally {
      caller.close();
    }
  };
  await Promise.all(Array.from({ length: connections }, loop));
}

function numbersIn(body: Buffer): number[] {
  return idsIn(body).map((at) => readId(body, at).number);
}

answer({ park, take } satisfies QueueParking);
