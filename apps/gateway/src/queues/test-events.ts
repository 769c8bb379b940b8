import { type Caller, requirePermission } from '@heddle/auth';
import { CLOUDEVENTS_JSON_CONTENT_TYPE, HeddleError, JSON_CONTENT_TYPE, nearest, typeMatcher } from '@heddle/event';
import type { Catalogue, EventType } from '@heddle/schema';
import { z } from 'zod';
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
});

export type TestEventsRequest = z.output<typeof testEventsShape>;
export type TestEventsAnswer = z.output<typeof testEventsAnswer>;

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
  async produce(
    caller: Caller,
    queue: Pick<QueueDefinition, 'tenant' | 'name' | 'types' | 'topicPatterns'>,
    { types, count }: TestEventsRequest,
  ): Promise<TestEventsAnswer> {
    requirePermission(caller, 'publish', 'queue', queue.name);
    const chosen = types === undefined ? this.#wantedBy(queue) : this.#named(types);
    if (chosen.length * count > MAX_EVENTS) {
      const detail = `These are ${chosen.length * count} events; ${MAX_EVENTS} are allowed at once: name fewer types.`;
      throw new HeddleError('data-invalid', detail, { fields: [{ field: 'count', rule: 'is too many' }] });
    }
    const samples = Array.from({ length: count }, () => chosen.map(sampleOf)).flat();
    const outcomes = await this.publisher.publishMessages(
      caller,
      samples.map(({ attributes, data }) => ({
        address: `queue:${queue.name}`,
        contentType: CLOUDEVENTS_JSON_CONTENT_TYPE,
        body: Buffer.from(
          JSON.stringify({
            specversion: '1.0',
            ...attributes,
            datacontenttype: JSON_CONTENT_TYPE,
            heddletest: 'true',
            data,
          }),
        ),
      })),
    );
    for (const outcome of outcomes) if ('error' in outcome) throw outcome.error;
    return { events: samples.map(({ attributes: { id, type } }) => ({ id, type })) };
  }

  #wantedBy(queue: Pick<QueueDefinition, 'tenant' | 'name' | 'types' | 'topicPatterns'>): EventType[] {
    const selection = new QueueSelection(queue, this.namespaces);
    const wanted = this.catalogue.list().filter(({ type }) => selection.wantsType(type, undefined));
    if (wanted.length > 0) return wanted;
    throw new HeddleError('conflict', `The queue ${queue.name} wants no event type of the catalogue: name some.`, {
      field: 'types',
    });
  }

  #named(types: readonly string[]): EventType[] {
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
    return known.filter(({ type }) => types.some((pattern) => matcherOf(pattern)(type)));
  }
}

/** @throws HeddleError `data-invalid` for what is no pattern */
function matcherOf(pattern: string): (type: string) => boolean {
  try {
    return typeMatcher([pattern]);
  } catch (cause) {
    const [field, rule] = ['types', 'must be event types, exact or with a trailing *'];
    throw new HeddleError('data-invalid', `${field}: ${rule}`, { fields: [{ field, rule }], cause });
  }
}
