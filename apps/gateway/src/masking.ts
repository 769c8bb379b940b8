import type { Caller } from '@heddle/auth';
import { type StoredEvent, isRawMessage } from '@heddle/event';
import { type AvroCodec, type Catalogue, masked } from '@heddle/schema';

/** Whoever sees an event masked does not get the bytes either, in which nothing can be masked. */
const NO_BYTES = new Uint8Array(0);

/** Hides what is personal in events from those who may not see it (`unmask:type:…`). */
export class Masking {
  constructor(
    private readonly catalogue: Pick<Catalogue, 'get'>,
    private readonly codec: Pick<AvroCodec, 'personalIn'>,
  ) {}

  /**
   * An event with its personal data masked and without its bytes, so that it has no Avro form any more; the event
   * itself where nothing of it is personal. Both the schema it was written under and the newest one of its type count:
   * what is said to be personal today was so before. A raw message has no schema that could say so.
   */
  masked(event: StoredEvent): StoredEvent {
    if (isRawMessage(event)) return event;
    const { attributes, schemaId } = event;
    const written = schemaId === undefined ? undefined : this.codec.personalIn(schemaId);
    const newestId = this.catalogue.get(attributes.type)?.schemaId;
    const newest = newestId === undefined || newestId === schemaId ? undefined : this.codec.personalIn(newestId);
    if (written === undefined && newest === undefined) return event;
    let { data } = event;
    if (written !== undefined) data = masked(data, written);
    if (newest !== undefined) data = masked(data, newest);
    return { ...event, data, value: NO_BYTES };
  }

  /** An event as somebody may see it. */
  seenBy({ permissions }: Caller, event: StoredEvent): StoredEvent {
    return permissions.allows('unmask', 'type', event.attributes.type) ? event : this.masked(event);
  }
}
