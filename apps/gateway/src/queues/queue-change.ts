import type { Caller } from '@heddle/auth';
import { HeddleError, objectOf, uuidv7 } from '@heddle/event';
import { isDeepStrictEqual } from 'node:util';
import { type Offsets, topicsOf } from './queue-offsets.js';
import { rightsOf } from './queue-rights.js';
import type { QueueEnd, QueueRequest, QueueStart } from './queue.shape.js';
import type { QueueDefinition, RetrySchedule } from './queue.js';

/** A definition with what was asked for as its start and end, so that the same request may come again. */
export interface AskedQueueDefinition extends QueueDefinition {
  asked?: { start: QueueStart; end?: QueueEnd };
}

/** Where a queue begins and ends, as it was asked for and as it was resolved. */
export interface QueueWindow {
  start: Offsets;
  end?: Offsets;
  asked: { start: QueueStart; end?: QueueEnd };
}

/** The first version of a queue. */
export function newQueue(
  caller: Caller,
  name: string,
  request: QueueRequest,
  window: QueueWindow,
  { retry, implicit }: { retry: RetrySchedule; implicit: boolean },
): AskedQueueDefinition {
  const now = new Date().toISOString();
  const topics = topicsOf(caller.tenant, request.topics);
  return {
    format: 1,
    tenant: caller.tenant,
    name,
    uuid: uuidv7(),
    version: 1,
    ...changeable(request, retry),
    rights: rightsOf(caller),
    ...(topics === undefined ? {} : { topics }),
    order: request.order ?? 'key',
    ...window,
    paused: request.paused ?? false,
    implicit,
    createdAt: now,
    updatedAt: now,
  };
}

/**
 * The next version of a queue. Its position stays. What cannot be changed may be left out of the request, or be as it
 * was; everything else is as the request says, or as it is by default. Whether it is paused stays when left out.
 *
 * @throws HeddleError `queue-unchangeable`
 */
export function changedQueue(
  caller: Caller,
  before: AskedQueueDefinition,
  request: QueueRequest,
  retry: RetrySchedule,
): AskedQueueDefinition {
  refuseUnchangeable(before, request);
  return {
    ...without(before, [...OPTIONAL, ...UNUSUAL]),
    version: before.version + 1,
    ...changeable(request, retry),
    rights: rightsOf(caller),
    paused: request.paused ?? before.paused,
    updatedAt: new Date().toISOString(),
  };
}

/** The next version of a queue that differs in being paused only. */
export function pausedQueue(before: AskedQueueDefinition, paused: boolean): AskedQueueDefinition {
  return { ...before, paused, version: before.version + 1, updatedAt: new Date().toISOString() };
}

/** What a definition has only where it was asked for. */
const OPTIONAL = [
  ...(['topicPatterns', 'ttlMs', 'deadLetterQueue', 'maxRedeliveryCount', 'maxUnacknowledged'] as const),
  ...(['maxMessages', 'maxBytes', 'maxMessageBytes'] as const),
] as const;
/** And what it has only where it is not as usual. */
const UNUSUAL = ['respectTtl', 'accessType', 'whenFull'] as const;

type Changeable = Pick<
  QueueDefinition,
  | ('types' | 'filter' | 'leaseMs' | 'retry' | 'deadLetters' | 'maxInFlight' | 'shape')
  | (typeof OPTIONAL)[number]
  | (typeof UNUSUAL)[number]
>;

function changeable(request: QueueRequest, retry: RetrySchedule): Changeable {
  const { types = [], filter, leaseMs, deadLetters, maxInFlight, shape, respectTtl, accessType, whenFull } = request;
  return {
    types,
    filter,
    leaseMs,
    retry: scheduleOf(request.retry, retry),
    deadLetters,
    maxInFlight,
    shape,
    ...Object.fromEntries(OPTIONAL.map((name) => [name, request[name]]).filter(([, value]) => value !== undefined)),
    // As it is for queues from before, which say nothing of these.
    ...(respectTtl ? {} : { respectTtl }),
    ...(accessType === 'EXCLUSIVE' ? { accessType } : {}),
    ...(whenFull === 'refuse-all' ? { whenFull } : {}),
  };
}

function without<T extends object, Name extends keyof T>(from: T, names: readonly Name[]): Omit<T, Name> {
  const left = { ...from };
  for (const name of names) delete left[name];
  return left;
}

/** What was asked for, and where it says nothing what is usual here. */
function scheduleOf(asked: QueueRequest['retry'], usual: RetrySchedule): RetrySchedule {
  const named = Object.entries(asked ?? {}).filter(([, value]) => value !== undefined);
  return { ...usual, ...(Object.fromEntries(named) as Partial<RetrySchedule>) };
}

function refuseUnchangeable(before: AskedQueueDefinition, request: QueueRequest): void {
  const { order, topics, start, end } = request;
  if (order !== undefined && order !== before.order) {
    throw unchangeable(
      before,
      'order',
      `is ${before.order}: what is leased, waiting or parked now was laid out for it`,
      'Make a queue of another name with the order you want, let this one run empty, and delete it',
    );
  }
  const objects = before.topics?.map(objectOf);
  if (topics !== undefined && !isSameSet(topics, objects ?? [])) {
    throw unchangeable(
      before,
      'topics',
      `are ${objects?.join(', ') ?? 'all there are'}: it has no position in others`,
      'Change types or filter instead, or make a queue of another name',
    );
  }
  const { asked } = before;
  if (start !== undefined && !isDeepStrictEqual(start, asked?.start)) {
    throw unchangeable(
      before,
      'start',
      'is long past: it keeps its position',
      'Leave start out; to go back use replay, to skip what there is use purge',
    );
  }
  if (end !== undefined && !isDeepStrictEqual(end, asked?.end)) {
    throw unchangeable(before, 'end', 'was fixed when it was made', 'Make a queue of another name for another window');
  }
}

function unchangeable({ name }: QueueDefinition, field: string, why: string, remedy: string): HeddleError {
  return new HeddleError('queue-unchangeable', `The ${field} of the queue ${name} ${why}. ${remedy}.`, { field });
}

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((entry) => other.includes(entry));
}
