import { type Caller, requirePermission } from '@heddle/auth';
import {
  CLOUDEVENTS_JSON_CONTENT_TYPE,
  HeddleError,
  fieldInvalid,
  JSON_CONTENT_TYPE,
  type StoredEvent,
  nearest,
  typeMatcher,
} from '@heddle/event';
import type { Catalogue, EventType } from '@heddle/schema';
import { z } from 'zod';
import { heldBy } from '../channels/held-by.js';
import type { CompiledFilter } from '../filters/filter.js';
import { compileFilter } from '../filters/filters.js';
import type { Namespaces } from '../messages/namespaces.js';
import { sampleOf } from '../protocols/webhook/samples.js';
import type { Publisher } from '../publish.js';
import { QueueSelection } from './queue-selection.js';
import type { QueueDefinition } from './queue.js';

const MAX_EVENTS = 500;

/** What can be asked for: so many samples of each type, of all that the queue wants when none is named. */
export const testEventsShape = z.strictObject({
  types: z
    .array(z.string().min(1).max(256))
    .min(1, 'must name at least one event type, exact or with * at its end')
    .max(100)
    .optional()
    .describe('event types of the catalogue, exact or with a trailing *; those that the queue wants when left out'),
  count: z.int('must be a whole number').min(1).max(20).default(1).describe('samples of each type'),
});

export const testEventsAnswer = z.object({
  events: z.array(z.object({ id: z.string(), type: z.string() })).describe('what the queue has now, in this order'),
  held: z
    .array(z.object({ type: z.string(), reason: z.string() }))
    .describe('samples that its filter, or the filters of its bindings, do not let through: they were not put into it'),
});

export type TestEventsRequest = z.output<typeof testEventsShape>;
export type TestEventsAnswer = z.output<typeof testEventsAnswer>;

/** The queue, as far as it says what it takes. */
type Taker = Pick<QueueDefinition, 'tenant' | 'name' | 'types' | 'topicPatterns' | 'filter' | 'bindings'>;

/**
 * Samples of event types, put into one queue and nowhere else: nobody but its receivers takes them for something that
 * happened. They come in as any event does, valid under their schema, with the attribute `heddletest`.
 */
export class TestEvents {
  constructor(
    private readonly catalogue: Pick<Catalogue, 'list'>,
    private readonly namespaces: Pick<Namespaces, 'topicOf'>,
    private readonly publisher: Pick<Publisher, 'publishMessages'>,
  ) {}

  /**
   * @throws HeddleError `permission-missing`; `type-unknown` where the catalogue has none of the types; `conflict` where the
   *   queue wants none of the catalogue; `too-large` for too many; and as publishing
   */
  async produce(caller: Caller, queue: Taker, { types, count }: TestEventsRequest): Promise<TestEventsAnswer> {
    requirePermission(caller, 'publish', 'queue', queue.name);
    const chosen = types === undefined ? this.#wantedBy(queue) : this.#named(types, queue);
    if (chosen.length * count > MAX_EVENTS) {
      const detail = `These are ${chosen.length * count} events; ${MAX_EVENTS} are allowed at once: name fewer types.`;
      throw new HeddleError('data-invalid', detail, { fields: [{ field: 'count', rule: 'is too many' }] });
    }
    const samples = Array.from({ length: count }, () => chosen.map(testEvent)).flat();
    // What the filter does not take would be in the log and never arrive: whoever tries it out is told instead.
    const filter = compileFilter(queue.filter);
    const taken = samples.filter((event) => filter.matches(event));
    const held = heldBack(samples, (event) => reasonHeld(queue, filter, event));
    const outcomes = await this.publisher.publishMessages(
      caller,
      taken.map(({ attributes, data }) => ({
        address: `queue:${queue.name}`,
        contentType: CLOUDEVENTS_JSON_CONTENT_TYPE,
        isSample: true,
        body: Buffer.from(JSON.stringify({ specversion: '1.0', ...attributes, data })),
      })),
    );
    for (const outcome of outcomes) if ('error' in outcome) throw outcome.error;
    return { events: taken.map(({ attributes: { id, type } }) => ({ id, type })), held };
  }

  #wantedBy(queue: Taker): EventType[] {
    const selection = new QueueSelection(queue, this.namespaces);
    const wanted = this.catalogue.list().filter(({ type }) => selection.wantsType(type, undefined));
    if (wanted.length > 0) return wanted;
    throw new HeddleError('conflict', `The queue ${queue.name} wants no event type of the catalogue: name some.`, {
      field: 'types',
    });
  }

  /** Of a channel only what is bound: nothing else leaves it. */
  #named(types: readonly string[], { name, bindings }: Taker): EventType[] {
    const known = this.catalogue.list();
    const all = known.map(({ type }) => type);
    for (const type of types) {
      if (all.some(matcherOf(type))) continue;
      const near = nearest(type, all);
      const hint = near === undefined ? '' : `: did you mean ${near}?`;
      throw new HeddleError('type-unknown', `The catalogue has no event type ${type.slice(0, 256)}${hint}`, {
        field: 'types',
      });
    }
    const named = known.filter(({ type }) => types.some((pattern) => matcherOf(pattern)(type)));
    if (bindings === undefined) return named;
    const isBound = typeMatcher(bindings.map(({ type }) => type));
    const bound = named.filter(({ type }) => isBound(type));
    if (bound.length > 0) return bound;
    throw fieldInvalid('types', `are not bound to the channel ${name}: it lets ${listed(bindings)} leave`);
  }
}

/** The sample of a type, as it comes to be in a queue. */
function testEvent(type: EventType): StoredEvent {
  const sample = sampleOf(type);
  return { ...sample, attributes: { ...sample.attributes, datacontenttype: JSON_CONTENT_TYPE, heddletest: 'true' } };
}

/** Of each type that is held back, why: its samples are alike. */
function heldBack(
  samples: readonly StoredEvent[],
  reasonOf: (event: StoredEvent) => string | undefined,
): TestEventsAnswer['held'] {
  const reasons = new Map(samples.map((event) => [event.attributes.type, reasonOf(event)]));
  return [...reasons].flatMap(([type, reason]) => (reason === undefined ? [] : [{ type, reason }]));
}

function reasonHeld({ bindings = [] }: Taker, filter: CompiledFilter, event: StoredEvent): string | undefined {
  const explained = filter.explain(event);
  return explained.matches ? undefined : (heldBy(bindings, event) ?? explained.reason);
}

function listed(bindings: readonly { type: string }[]): string {
  return bindings.map(({ type }) => type).join(', ');
}

/** @throws HeddleError `data-invalid` for what is no pattern */
function matcherOf(pattern: string): (type: string) => boolean {
  try {
    return typeMatcher([pattern]);
  } catch {
    throw fieldInvalid('types', 'must be event types, exact or with a trailing *');
  }
}
