import {
  CONTROL_TOPICS,
  type EventLog,
  LOCAL_TENANT,
  type Position,
  type StoredEvent,
  canonicalKey,
  topicOf,
} from '@heddle/event';
import type { z } from 'zod';
import { type AttemptList, eventHref } from './attempt-list.js';
import { type DeadLetterList, present } from './dead-letter-list.js';
import type {
  AttemptView,
  DeadLetterView,
  EventSummary,
  PageQuery,
  eventShape,
  objectEventsShape,
} from './ledger.shape.js';
import { add, isoTime, pageWhere, paged, progressOf, whereSql } from './page.js';
import { type TimelineIndex, nothingFound } from './timeline-index.js';

interface EventRow {
  topic: string;
  partition: number;
  position: number;
  event_id: string;
  source: string;
  type: string;
  key: string;
  time: string | null;
  at: number | null;
}

type Delivery = EventSummary['deliveries'][number];
type Step = EventSummary['timeline'][number];

const TRACES = [CONTROL_TOPICS.attempts, CONTROL_TOPICS.deadLetters];

/** What became of an event, and of all events of a business object: each step with its time. */
export class EventTimeline {
  constructor(
    private readonly parts: {
      index: TimelineIndex;
      attempts: AttemptList;
      deadLetters: DeadLetterList;
      eventLog: EventLog;
      objectTopics: () => readonly string[];
    },
  ) {}

  /** @throws HeddleError `not-found`, or `index-behind` while that is not certain */
  async event(id: string, source?: string, tenant = LOCAL_TENANT): Promise<z.infer<typeof eventShape>> {
    const { index, objectTopics } = this.parts;
    const upTo = await index.caughtUp([...objectTopics(), ...TRACES]);
    const sql = 'SELECT * FROM event WHERE event_id = ? ORDER BY at, id LIMIT 100';
    const rows = (await index.read<EventRow>(sql, [id])).filter(({ topic }) => isOf(topic, tenant, objectTopics()));
    const summaries = (await this.#summaries(rows, [id], tenant)).filter(
      ({ event }) => source === undefined || event.source === source,
    );
    if (summaries.length === 0) throw nothingFound(`event ${id}`, upTo);
    const events = await Promise.all(summaries.map((summary) => this.#withStored(summary)));
    return { id, events, ...progressOf(upTo) };
  }

  /** All events of a business object, the newest first. */
  async ofObject(
    object: string,
    key: string,
    page: PageQuery,
    tenant = LOCAL_TENANT,
  ): Promise<z.infer<typeof objectEventsShape>> {
    const { index } = this.parts;
    const topic = topicOf(object, tenant);
    const upTo = await index.caughtUp([topic, ...TRACES]);
    const where = pageWhere(page, ['id']);
    add(where, 'topic = ?', topic);
    add(where, 'key = ?', canonicalKey(key));
    const sql = `SELECT * FROM event ${whereSql(where)} ORDER BY at DESC, id DESC LIMIT ${page.limit + 1}`;
    const rows = await index.read<EventRow & { id: number; at: number }>(sql, where.values);
    const { views, ...next } = paged(
      rows,
      page.limit,
      ({ at, id }) => [at, id],
      (row) => row,
    );
    const ids = [...new Set(views.map(({ event_id }) => event_id))];
    const summaries = views.length === 0 ? [] : await this.#summaries(views, ids, tenant, false);
    return { events: summaries, ...next, ...progressOf(upTo) };
  }

  /** One for each place an event stands at, in the order given; with those that only attempts or letters tell of. */
  async #summaries(
    rows: readonly EventRow[],
    ids: readonly string[],
    tenant: string,
    withOthers = true,
  ): Promise<EventSummary[]> {
    const { attempts, deadLetters } = this.parts;
    const [made, letters] = await Promise.all([attempts.ofEvents(ids, tenant), deadLetters.ofEvents(ids, tenant)]);
    const places = new Map(rows.map((row) => [placeOf(row.topic, row.partition, row.position), row]));
    if (withOthers) {
      for (const { event } of [...made, ...letters]) {
        const place = placeOf(event.topic, event.partition, event.offset);
        if (!places.has(place)) places.set(place, rowOf(event));
      }
    }
    return [...places].map(([place, row]) =>
      summaryOf(
        row,
        made.filter(({ event }) => placeOf(event.topic, event.partition, event.offset) === place),
        letters.filter(({ event }) => placeOf(event.topic, event.partition, event.offset) === place),
      ),
    );
  }

  async #withStored(summary: EventSummary): Promise<z.infer<typeof eventShape>['events'][number]> {
    const stored = await this.#read(summary.event);
    if (stored === undefined) return summary;
    const raised = stored.attributes.time ?? summary.raisedAt;
    const appendedAt = isoTime(stored.appendedAt);
    const isKnown = summary.timeline.some(({ what }) => what === 'appended');
    return {
      ...summary,
      ...(raised === undefined ? {} : { raisedAt: raised }),
      appendedAt,
      timeline: isKnown ? summary.timeline : [...beginning(raised, appendedAt, summary.event), ...summary.timeline],
      stored: { attributes: present(stored.attributes), data: stored.data },
    };
  }

  async #read({ topic, partition, offset }: Position): Promise<StoredEvent | undefined> {
    if (topic === '') return undefined;
    try {
      const { events } = await this.parts.eventLog.fetch({ topic, partition, offset }, { maxBytes: 1 });
      return events[0]?.offset === offset ? events[0] : undefined;
    } catch {
      // What is known of it is worth more than an answer that there was an error.
      return undefined;
    }
  }
}

/** Topics of other tenants have their names in front. */
function isOf(topic: string, tenant: string, topics: readonly string[]): boolean {
  if (tenant !== LOCAL_TENANT) return topic.startsWith(`${tenant}.`);
  return !topic.includes('.') || topics.includes(topic);
}

function placeOf(topic: string, partition: number, offset: number): string {
  return `${topic}/${partition}/${offset}`;
}

function rowOf({ topic, partition, offset, id, source, type, key }: AttemptView['event']): EventRow {
  return { topic, partition, position: offset, event_id: id, source, type, key, time: null, at: null };
}

function summaryOf(row: EventRow, attempts: readonly AttemptView[], letters: readonly DeadLetterView[]): EventSummary {
  const { topic, partition, position: offset, event_id: id, source, type, key, time, at } = row;
  const event = { id, source, type, key, topic, partition, offset, href: eventHref(id, source) };
  const deliveries = deliveriesOf(attempts, letters);
  const appendedAt = at === null ? undefined : isoTime(at);
  const begun = appendedAt === undefined ? [] : beginning(time ?? undefined, appendedAt, event);
  const steps = [...deliveries.flatMap(stepsOf), ...letters.flatMap(redrivenSteps)];
  return {
    event,
    ...(time === null ? {} : { raisedAt: time }),
    ...(appendedAt === undefined ? {} : { appendedAt }),
    deliveries,
    // Times of one process stand in order; that of a service and that of the log may differ by their clocks.
    timeline: [...begun, ...steps.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))],
  };
}

/** By queue and delivery cycle. The first final state counts: a takeover may repeat what was final already. */
function deliveriesOf(attempts: readonly AttemptView[], letters: readonly DeadLetterView[]): Delivery[] {
  const found = new Map<string, Delivery>();
  const of = (queue: string, queueUuid: string, cycle: string): Delivery => {
    const name = `${queueUuid}/${cycle}`;
    let delivery = found.get(name);
    if (delivery === undefined) {
      found.set(name, (delivery = { queue, queueUuid, cycle, state: 'open', repeats: 0, attempts: [] }));
    }
    return delivery;
  };
  for (const attempt of attempts) {
    const delivery = of(attempt.queue, attempt.queueUuid, attempt.cycle);
    delivery.attempts.push(attempt);
    if (attempt.final === undefined) continue;
    if (delivery.state === 'open') {
      delivery.state = attempt.final;
      delivery.settledAt = isoTime(Date.parse(attempt.at) + attempt.ms);
    } else delivery.repeats += 1;
  }
  for (const { id, at, queue, queueUuid, cycle } of letters) {
    if (queue === undefined || queueUuid === undefined) continue;
    const delivery = of(queue, queueUuid, cycle);
    if (delivery.state === 'open') {
      // Given up between attempts, as too old.
      delivery.state = 'dead';
      delivery.settledAt = at;
    }
    delivery.deadLetter ??= id;
  }
  const begun = ({ attempts: [first], settledAt }: Delivery): number => Date.parse(first?.at ?? settledAt ?? '');
  return [...found.values()].toSorted((a, b) => begun(a) - begun(b));
}

function beginning(raised: string | undefined, appendedAt: string, { topic, partition, offset }: Position): Step[] {
  const appended: Step = { at: appendedAt, what: 'appended', detail: `${topic}/${partition} at offset ${offset}` };
  return raised === undefined ? [appended] : [{ at: raised, what: 'raised' }, appended];
}

function stepsOf({ queue, cycle, state, settledAt, attempts }: Delivery): Step[] {
  const of = { queue, ...(cycle === '' ? {} : { cycle }) };
  const [first] = attempts;
  const steps: Step[] = first === undefined ? [] : [{ at: first.at, what: 'dispatched', ...of }];
  for (const { at, attempt, outcome, status, error } of attempts) {
    const why = error ?? (status === undefined ? undefined : `status ${status}`);
    const detail = `attempt ${attempt} ${outcome}${why === undefined ? '' : `: ${why}`}`;
    if (attempt > 0) steps.push({ at, what: 'attempt', ...of, detail });
  }
  if (state !== 'open' && settledAt !== undefined) {
    steps.push({ at: settledAt, what: state === 'accepted' ? 'settled' : state, ...of });
  }
  return steps;
}

function redrivenSteps({ queue, redriven }: DeadLetterView): Step[] {
  if (redriven === undefined) return [];
  return [
    { at: redriven.at, what: 'redriven', ...(queue === undefined ? {} : { queue }), detail: `by ${redriven.by}` },
  ];
}
