import {
  type StoredEvent,
  type TopicMatcher,
  type TypeMatcher,
  isRawTopic,
  topicMatcher,
  typeMatcher,
} from '@heddle/event';
import type { Namespaces } from '../messages/namespaces.js';
import type { QueueDefinition } from './queue.js';

const TOPIC = 'topic:';

/**
 * What a queue wants, before its filter: events of its types, and those whose topic one of its patterns matches; of raw
 * messages what was published to it by name, or to such a topic. `types: ["*"]` says nothing about raw messages.
 */
export class QueueSelection {
  /** What is published to this address is for this queue alone. */
  readonly address: string;
  readonly #tenant: string;
  readonly #isType: TypeMatcher;
  readonly #isTopic: TopicMatcher | undefined;

  constructor(
    { tenant, name, types, topicPatterns = [] }: Pick<QueueDefinition, 'tenant' | 'name' | 'types' | 'topicPatterns'>,
    private readonly namespaces: Pick<Namespaces, 'topicOf'>,
  ) {
    this.#tenant = tenant;
    this.address = `queue:${name}`;
    this.#isType = typeMatcher(types);
    this.#isTopic = topicPatterns.length === 0 ? undefined : topicMatcher(topicPatterns);
  }

  /** Whether it wants anything by its topic. */
  get hasPatterns(): boolean {
    return this.#isTopic !== undefined;
  }

  /** Whether events of a type are wanted, that came by a namespace where it is not their tenant's. */
  wantsType(type: string, namespace: string | undefined): boolean {
    if (this.#isType(type)) return true;
    return this.#isTopic?.(this.namespaces.topicOf(this.#tenant, type, namespace)) ?? false;
  }

  wantsAddress(address: string | undefined): boolean {
    if (address === undefined || address === this.address) return address !== undefined;
    return this.#isTopic !== undefined && address.startsWith(TOPIC) && this.#isTopic(address.slice(TOPIC.length));
  }

  /** Asked for one event; where many come, {@link wantsType} is asked once for all of a type. */
  wants({ topic, attributes }: StoredEvent): boolean {
    if (isRawTopic(topic)) return this.wantsAddress(attributes['address']);
    return this.wantsType(attributes.type, attributes['namespace']);
  }
}
