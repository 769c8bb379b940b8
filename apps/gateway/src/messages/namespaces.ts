import { LOCAL_TENANT, isNamespace, topicOfType } from '@heddle/event';

/** The namespace of the local tenant, where nobody set another. */
export const DEFAULT_NAMESPACE = 'default/heddle/s4';

/** Topics that are remembered; publishers may bring namespaces without end. */
const MAX_TOPICS = 10_000;

/** Under which namespace the events of each tenant go out: that of the setting, with the tenant's name in front of it. */
export class Namespaces {
  readonly #topics = new Map<string, string>();

  /** @param local of the local tenant, three segments */
  constructor(private readonly local: string = DEFAULT_NAMESPACE) {}

  of(tenant: string): string {
    return tenant === LOCAL_TENANT ? this.local : tenant + this.local.slice(this.local.indexOf('/'));
  }

  /** The topic that an event is under: in the namespace that it came by, or in that of its tenant. */
  topicOf(tenant: string, type: string, namespace: string | undefined): string {
    const name = `${tenant} ${namespace ?? ''} ${type}`;
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      // In an attribute there may be anything.
      const own = namespace !== undefined && isNamespace(namespace) ? namespace : this.of(tenant);
      topic = topicOfType(type, own);
      if (this.#topics.size >= MAX_TOPICS) this.#topics.clear();
      this.#topics.set(name, topic);
    }
    return topic;
  }
}
