import { hostname } from 'node:os';
import { CONTROL_TOPIC_SPECS, type ControlLog, type EventLog, objectTopicSpec, uuidv7 } from '@heddle/event';
import type { AvroCodec, Catalogue, SchemaRegistry } from '@heddle/schema';
import type { Log } from '@heddle/runtime';
import { Dispatcher } from './dispatch.js';
import { Objects } from './fetch/objects.js';
import type { GatewayMetrics } from './metrics.js';
import { Webhooks } from './protocols/webhook/webhooks.js';
import { Publisher } from './publish.js';
import { ProgressWriter } from './queues/progress-writer.js';
import { QueueSet } from './queues/queue-set.js';
import { QueueStore } from './queues/queue-store.js';
import type { GatewaySettings } from './settings.js';
import { History } from './streams/history.js';
import { MovingPosition } from './streams/resume-token.js';
import { StreamHub } from './streams/stream-hub.js';
import { Tail } from './streams/tail.js';

/** What the gateway is built on. */
export interface GatewayParts {
  settings: GatewaySettings;
  baseUrl: string;
  eventLog: EventLog;
  controlLog: ControlLog;
  registry: SchemaRegistry;
  codec: AvroCodec;
  catalogue: Catalogue;
  metrics: GatewayMetrics;
  log: Log;
}

/** Partitions of a business object's topic, where nobody has made it yet. */
const OBJECT_PARTITIONS = 12;
/** How often the catalogue is looked at for topics that are not read yet. */
const NEW_TOPICS_MS = 2000;
/** What an attempt under way gets to end in when the gateway stops. */
const STOP_GRACE_MS = 3000;
/** Each retry delay may be up to a quarter longer than its schedule says, by chance. */
const RETRY_JITTER = 0.25;

/** The gateway without its doors: both necks, queues, streams, webhooks and fetches, put together in order. */
export class Gateway {
  readonly publisher: Publisher;
  readonly streams: StreamHub;
  readonly objects: Objects;
  readonly webhooks: Webhooks;
  readonly dispatcher: Dispatcher;
  readonly #queues: QueueSet;
  readonly #writer: ProgressWriter;
  readonly #store: QueueStore;
  readonly #ends = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: GatewayParts) {
    const { settings, baseUrl, eventLog, controlLog, registry, codec, catalogue, metrics, log } = parts;
    const position = new MovingPosition();
    const tail = new Tail(settings.tailEvents, settings.tailBytes);
    const topics = (): readonly string[] => this.dispatcher.topics;
    this.#store = new QueueStore(controlLog, `${hostname()}/${process.pid}/${uuidv7()}`, baseUrl);
    this.#writer = new ProgressWriter(this.#store, log);
    this.#queues = new QueueSet(eventLog, { position, tail, topics }, this.#writer, this.#ends, baseUrl, log);
    this.streams = new StreamHub(tail, new History(eventLog, topics), position, baseUrl, log);
    this.dispatcher = new Dispatcher(eventLog, tail, position, this.streams, this.#queues, baseUrl);
    this.publisher = new Publisher(catalogue, registry, codec, eventLog, metrics);
    this.objects = new Objects(catalogue, settings.owners, metrics);
    const retry = { firstMs: settings.retryFirstMs, factor: 2, capMs: settings.retryCapMs, jitter: RETRY_JITTER };
    this.webhooks = new Webhooks(eventLog, this.#store, this.#queues, topics, retry, metrics, log);
  }

  /** Takes over the queues, then reads the log; resolves when what was there before has been dispatched. */
  async start(): Promise<void> {
    const { controlLog, log } = this.parts;
    await controlLog.ensureTopics(CONTROL_TOPIC_SPECS);
    const stored = await this.#store.takeOver();
    const topics = await this.#ensureTopics();
    await this.#markEnds(topics);
    for (const queue of stored) this.webhooks.resume(queue);
    await this.dispatcher.add(topics);
    this.#timer = setInterval(() => void this.#addNewTopics(), NEW_TOPICS_MS);
    log.info({ event: 'dispatching', topics, queues: stored.length }, 'dispatching');
  }

  /** Reads nothing new, lets attempts under way end, and stores how far every queue is. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.dispatcher.stop();
    this.#queues.close();
    await this.webhooks.stop(STOP_GRACE_MS);
    await this.#writer.stop();
    await this.objects.close();
  }

  /** The topics of all event types there are now; made if nobody has made them yet. */
  async #ensureTopics(): Promise<string[]> {
    const topics = [...new Set(this.parts.catalogue.list().map(({ topic }) => topic))];
    await this.parts.eventLog.ensureTopics(topics.map((topic) => objectTopicSpec(topic, OBJECT_PARTITIONS)));
    return topics;
  }

  async #addNewTopics(): Promise<void> {
    try {
      const known = new Set(this.dispatcher.topics);
      if (this.parts.catalogue.list().every(({ topic }) => known.has(topic))) return;
      await this.dispatcher.add(await this.#ensureTopics());
    } catch (error) {
      this.parts.log.warn({ event: 'topics-unread', err: error }, 'new topics could not be read yet, trying again');
    }
  }

  async #markEnds(topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      for (const { partition, end } of await this.parts.eventLog.bounds(topic)) {
        this.#ends.set(`${topic}/${partition}`, end);
      }
    }
  }
}
