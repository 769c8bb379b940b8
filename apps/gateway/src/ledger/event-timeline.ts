import type { Caller } from '@heddle/auth';
import {
  CONTROL_TOPICS,
  type EventLog,
  type Position,
  RAW_TOPIC,
  type StoredEvent,
  canonicalKey,
  objectOf,
  tenantOf,
  topicOf,
} from '@heddle/event';
import type { z } from 'zod';
import { mayConsumeAddress, maySee } from '../queues/queue-rights.js';
import { shownData } from '../represent.js';
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
import { type Page, add, isoTime, pageSeen, pageWhere, progressOf, whereSql } from './page.js';
import { type IndexedUpTo, type TimelineIndex, nothingFound } from './timeline-index.js';

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
      /** Shows somebody what of an event is for them. */
      seenBy: (caller: Caller, event: StoredEvent) => StoredEvent;
    },
  ) {}

  /**
   * An event, as somebody may see it: whose type, or address, it may consume, or that was delivered to a queue it may know of; the
   * deliveries to such queues; its data with what is personal masked.
   *
   * @throws HeddleError `not-found`, or `index-behind` while that is not certain
   */
  async event(caller: Caller, id: string, source?: string): Promise<z.infer<typeof eventShape>> {
    const { summaries, upTo } = await this.#find(caller.tenant, id);
    const seen = summaries
      .filter(({ event }) => source === undefined || event.source === source)
      .map((summary) => seenPart(caller, summary))
      .filter((summary) => summary !== undefined);
    if (seen.length === 0) throw nothingFound(`event ${id}`, upTo);
    const events = await Promise.all(seen.map((summary) => this.#withStored(caller, summary)));
    return { id, events, ...progressOf(upTo) };
  }

  /**
   * Where an event of a tenant stands: the same id may come from several sources, or twice.
   *
   * @throws HeddleError as {@link event}
   */
  async places(tenant: string, id: string): Promise<Position[]> {
    const { summaries, upTo } = await this.#find(tenant, id);
    if (summaries.length === 0) throw nothingFound(`event ${id}`, upTo);
    return summaries.map(({ event: { topic, partition, offset } }) => ({
      topic: topicOf(topic, tenant),
      partition,
      offset,
    }));
  }

  /** All events of a business object whose types somebody may consume, the newest first. */
  async ofObject(
    caller: Caller,
    object: string,
    key: string,
    query: PageQuery,
  ): Promise<z.infer<typeof objectEventsShape>> {
    const { index } = this.parts;
    const { tenant } = caller;
    // One of its own, whatever is named: with a dot in it that could be the topic of another tenant.
    const topic = this.#topicsOf(tenant).find((known) => objectOf(known) === object) ?? '';
    const upTo = await index.caughtUp([...(topic === '' ? [] : [topic]), ...TRACES]);
    const read = (page: Page): Promise<(EventRow & { id: number; at: number })[]> => {
      const where = pageWhere(page, ['id']);
      add(where, 'topic = ?', topic);
      add(where, 'key = ?', canonicalKey(key));
      const sql = `SELECT * FROM event ${whereSql(where)} ORDER BY at DESC, id DESC LIMIT ${page.limit + 1}`;
      return index.read(sql, where.values);
    };
    const { rows, ...next } = await pageSeen(
      query,
      read,
      ({ at, id }) => [at, id],
      (row) => maySeeEvent(caller, { ...row, topic: object }),
    );
    const ids = [...new Set(rows.map(({ event_id }) => event_id))];
    const summaries = rows.length === 0 ? [] : await this.#summaries(rows, ids, tenant, false);
    const events = summaries.map((summary) => seenPart(caller, summary)).filter((summary) => summary !== undefined);
    return { events, ...next, ...progressOf(upTo) };
  }

  async #find(tenant: string, id: string): Promise<{ summaries: EventSummary[]; upTo: IndexedUpTo }> {
    const { index } = this.parts;
    const topics = this.#topicsOf(tenant);
    const upTo = await index.caughtUp([...topics, ...TRACES]);
    const sql = `SELECT * FROM event WHERE event_id = ? AND topic IN (SELECT value FROM json_each(?))
      ORDER BY at, id LIMIT 100`;
    const rows = await index.read<EventRow>(sql, [id, JSON.stringify(topics)]);
    return { summaries: await this.#summaries(rows, [id], tenant), upTo };
  }

  #topicsOf(tenant: string): string[] {
    return this.parts.objectTopics().filter((topic) => tenantOf(topic) === tenant);
  }

  /** One for each place an event stands at, in the order given; with those that only attempts or letters tell of. */
  async #summaries(
    rows: readonly EventRow[],
    ids: readonly string[],
    tenant: string,
    withOthers = true,
  ): Promise<EventSummary[]> {
    const { attempts, deadLetters } = this.parts;
    const [made, letters] = await Promise.all([attempts.ofEvents(tenant, ids), deadLetters.ofEvents(tenant, ids)]);
    const shown = rows.map((row) => ({ ...row, topic: objectOf(row.topic) }));
    const places = new Map(shown.map((row) => [placeOf(row.topic, row.partition, row.position), row]));
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

  async #withStored(caller: Caller, summary: EventSummary): Promise<z.infer<typeof eventShape>['events'][number]> {
    const { topic, partition, offset } = summary.event;
    const event =
      topic === '' ? undefined : await this.#read({ topic: topicOf(topic, caller.tenant), partition, offset });
    if (event === undefined) return summary;
    const stored = this.parts.seenBy(caller, event);
    const raised = stored.attributes.time ?? summary.raisedAt;
    const appendedAt = isoTime(stored.appendedAt);
    const isKnown = summary.timeline.some(({ what }) => what === 'appended');
    return {
      ...summary,
      ...(raised === undefined ? {} : { raisedAt: raised }),
      appendedAt,
      timeline: isKnown ? summary.timeline : [...beginning(raised, appendedAt, summary.event), ...summary.timeline],
      stored: { attributes: present(stored.attributes), data: shownData(stored) },
    };
  }

  async #read({ topic, partition, offset }: Position): Promise<StoredEvent | undefined> {
    try {
      const { events } = await this.parts.eventLog.fetch({ topic, partition, offset }, { maxBytes: 1 });
      return events[0]?.offset === offset ? events[0] : undefined;
    } catch {
      // What is known of it is worth more than an answer that there was an error.
      return undefined;
    }
  }
}

/** The index knows the key of a raw message, which is its address unless it came with another one. */
function maySeeEvent(caller: Caller, { topic, type, key }: { topic: string; type: string; key: string }): boolean {
  if (topic === RAW_TOPIC) return mayConsumeAddress(caller, key);
  return caller.permissions.allows('consume', 'type', type);
}

/** What somebody may see of an event: nothing, where neither its type nor any of its queues is for them. */
function seenPart(caller: Caller, { deliveries, timeline, ...rest }: EventSummary): EventSummary | undefined {
  const seen = deliveries.filter(({ queue }) => maySee(caller, queue));
  if (seen.length === 0 && !maySeeEvent(caller, rest.event)) return undefined;
  const steps = timeline.filter(({ queue }) => queue === undefined || maySee(caller, queue));
  return { ...rest, deliveries: seen, timeline: steps };
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

/**
 * By queue and delivery cycle. The first final state counts, for a takeover may repeat what was final already; but what
 * was accepted is not dead, whatever an earlier owner had to say of it.
 */
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
    if (delivery.state !== 'open') delivery.repeats += 1;
    if (delivery.state === 'open' || (delivery.state === 'dead' && attempt.final === 'accepted')) {
      delivery.state = attempt.final;
      delivery.settledAt = isoTime(Date.parse(attempt.at) + attempt.ms);
    }
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
