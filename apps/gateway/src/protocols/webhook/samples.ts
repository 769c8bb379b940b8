import { type Caller, permissionMissing } from '@heddle/auth';
import { AVRO_CONTENT_TYPE, HeddleError, type StoredEvent, canonicalKey, uuidv7 } from '@heddle/event';
import type { Catalogue, EventType } from '@heddle/schema';
import { mayConsume } from '../../queues/queue-rights.js';

/** Events to try a webhook with. */
export class Samples {
  /**
   * @param stored finds an event of a tenant by its id
   * @param seenBy shows somebody what of an event is for them
   */
  constructor(
    private readonly catalogue: Pick<Catalogue, 'list' | 'find'>,
    private readonly stored: (tenant: string, id: string) => Promise<StoredEvent | undefined>,
    private readonly seenBy: (caller: Caller, event: StoredEvent) => StoredEvent,
  ) {}

  /**
   * A given stored event; else the catalogue's example of a given type; else that of the first type that is wanted.
   *
   * @throws HeddleError `permission-missing`, `not-found`, `type-unknown`, or `conflict` when the catalogue has nothing that is wanted.
   */
  async find(
    caller: Caller,
    wish: { id?: string | undefined; type?: string | undefined },
    wants: (type: string) => boolean,
  ): Promise<{ event: StoredEvent; isSample: boolean }> {
    if (wish.id !== undefined) {
      const event = await this.stored(caller.tenant, wish.id);
      if (event === undefined) {
        throw new HeddleError('not-found', `There is no event ${wish.id.slice(0, 80)}.`, { field: 'id' });
      }
      if (!mayConsume(caller, event)) throw permissionMissing(caller, `consume:type:${event.attributes.type}`);
      return { event: this.seenBy(caller, event), isSample: false };
    }
    const type =
      wish.type === undefined
        ? this.catalogue.list().find((entry) => wants(entry.type))
        : await this.catalogue.find(wish.type);
    if (type === undefined) {
      throw new HeddleError(
        'conflict',
        'The catalogue has no event type that this webhook wants: name one, or an event.',
        { field: 'type' },
      );
    }
    return { event: sampleOf(type), isSample: true };
  }
}

/** The example of an event type as an event that was never appended. */
export function sampleOf({ type, topic, object, key: keyField, schemaId, example }: EventType): StoredEvent {
  const value = (example as Record<string, unknown>)[keyField];
  const key = canonicalKey(typeof value === 'string' || typeof value === 'number' ? String(value) : 'sample');
  const now = Date.now();
  return {
    topic,
    partition: 0,
    offset: 0,
    key,
    appendedAt: now,
    value: new Uint8Array(0),
    data: example,
    schemaId,
    attributes: {
      id: uuidv7(now),
      source: `/${object}`,
      type,
      subject: key,
      time: new Date(now).toISOString(),
      datacontenttype: AVRO_CONTENT_TYPE,
      partitionkey: key,
    },
  };
}
