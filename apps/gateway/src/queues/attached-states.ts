import { HeddleError } from '@heddle/event';
import type { Objects } from '../fetch/objects.js';
import type { DispatchedEvent } from '../represent.js';

/** The reference of an event as the outbox writes it, relative to this gateway. */
const REFERENCE = /^\/v1\/objects\/([a-z0-9-]+)\/([^/?]+)\?version=(\d{1,15})$/;
const MAX_KEPT_CHARS = 32 * 1024 * 1024;

/**
 * The states of objects that deliveries of a queue of shape `state` carry: fetched once per object version for all
 * receivers. The event and its data stay as they are. A state is never older than the version that the event names.
 */
export class AttachedStates {
  /** By reference; those fetched longest ago go first. */
  readonly #kept = new Map<string, string>();
  readonly #flights = new Map<string, Promise<string | undefined>>();
  #keptChars = 0;

  constructor(private readonly objects: Pick<Objects, 'fetch'>) {}

  /**
   * The JSON of `{"version":…,"data":…}`, or of `{"version":…,"deleted":true}`; nothing for an event that refers to no
   * object, or to one that nobody serves.
   *
   * @throws HeddleError `object-behind`, `owner-unavailable`
   */
  async of({ stored }: DispatchedEvent): Promise<string | undefined> {
    const reference = stored.attributes.dataref;
    const parts = reference === undefined ? null : REFERENCE.exec(reference);
    if (reference === undefined || parts === null) return undefined;
    const kept = this.#kept.get(reference);
    if (kept !== undefined) return kept;
    let flight = this.#flights.get(reference);
    if (flight === undefined) {
      flight = this.#fetch(reference, parts).finally(() => this.#flights.delete(reference));
      this.#flights.set(reference, flight);
    }
    return flight;
  }

  async #fetch(reference: string, [, object, key, version]: RegExpExecArray): Promise<string | undefined> {
    try {
      const answer = await this.objects.fetch(object!, decodeURIComponent(key!), Number(version));
      const state =
        answer.kind === 'tombstone'
          ? `{"version":${answer.version},"deleted":true}`
          : `{"version":${answer.version},"data":${jsonText(answer.body)}}`;
      this.#keep(reference, state);
      return state;
    } catch (error) {
      if (error instanceof HeddleError && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  #keep(reference: string, state: string): void {
    this.#kept.set(reference, state);
    this.#keptChars += state.length;
    for (const [oldest, text] of this.#kept) {
      if (this.#keptChars <= MAX_KEPT_CHARS) return;
      this.#kept.delete(oldest);
      this.#keptChars -= text.length;
    }
  }
}

/** The body as it came, once it is known to be JSON: it is put into the middle of an answer. */
function jsonText(body: Buffer): string {
  const text = body.toString('utf8');
  try {
    JSON.parse(text);
  } catch (error) {
    throw new HeddleError('owner-unavailable', 'The service that owns the object answered with no JSON.', {
      cause: error,
    });
  }
  return text;
}
