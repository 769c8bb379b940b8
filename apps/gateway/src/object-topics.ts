import {
  type EventLog,
  RAW_TOPIC,
  isRawTopic,
  objectOf,
  objectTopicSpec,
  rawTopicSpec,
  tenantOf,
  topicOf,
} from '@heddle/event';
import type { Catalogue } from '@heddle/schema';

/** Partitions of a topic, where nobody has made it yet. */
const OBJECT_PARTITIONS = 12;
const RAW_RETENTION_MS = 7 * 86_400_000;
/** Names of tenants that stand in topics; `heddle` stands in those of our own. */
const TENANT = /^(?!(?:heddle|local)$)[a-z][a-z0-9-]{0,30}$/;

/**
 * Which topics of business objects, and of raw messages, there are: those of the local tenant from the beginning, those of another one from
 * its first event of that object on, whoever made them. What is in the log says so, not who has a client here.
 */
export class ObjectTopics {
  readonly #present = new Set<string>();
  readonly #making = new Map<string, Promise<void>>();

  constructor(
    private readonly catalogue: Pick<Catalogue, 'list'>,
    private readonly eventLog: Pick<EventLog, 'topics' | 'ensureTopics' | 'retain'>,
    /** How long raw messages are kept; without it, as long as is usual, in topics that are made here. */
    private readonly rawRetentionMs?: number,
  ) {}

  /** All there are now, of every tenant. @throws HeddleError `log-unavailable` */
  async list(): Promise<string[]> {
    const objects = new Set([...this.catalogue.list().map(({ topic }) => topic), RAW_TOPIC]);
    const local = [...objects].map((object) => topicOf(object));
    for (const topic of local) await this.ensure(topic);
    const found = (await this.eventLog.topics()).filter(
      (topic) => topic.includes('.') && objects.has(objectOf(topic)) && TENANT.test(tenantOf(topic)),
    );
    for (const topic of found) this.#present.add(topic);
    return [...local, ...found.toSorted()];
  }

  /**
   * Has raw messages of every tenant kept as long as was set, in topics that were there before, too. Where nothing was
   * set, whoever made a topic, or has changed it since, has the word.
   *
   * @throws HeddleError `log-unavailable`
   */
  async retainRaw(): Promise<void> {
    const { rawRetentionMs } = this;
    if (rawRetentionMs === undefined) return;
    const raw = [...this.#present].filter(isRawTopic);
    await this.eventLog.retain(raw.map((topic) => rawTopicSpec(topic, OBJECT_PARTITIONS, rawRetentionMs)));
  }

  /**
   * Makes a topic, where nobody has yet; nothing is to be waited for when it is known to be there.
   *
   * @throws HeddleError `log-unavailable`
   */
  ensure(topic: string): Promise<void> | undefined {
    if (this.#present.has(topic)) return undefined;
    let making = this.#making.get(topic);
    if (making === undefined) {
      making = this.#make(topic).finally(() => this.#making.delete(topic));
      this.#making.set(topic, making);
    }
    return making;
  }

  async #make(topic: string): Promise<void> {
    const spec = isRawTopic(topic)
      ? rawTopicSpec(topic, OBJECT_PARTITIONS, this.rawRetentionMs ?? RAW_RETENTION_MS)
      : objectTopicSpec(topic, OBJECT_PARTITIONS);
    await this.eventLog.ensureTopics([spec]);
    this.#present.add(topic);
  }
}
