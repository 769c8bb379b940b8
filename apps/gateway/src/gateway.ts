import { hostname } from 'node:os';
import {
  CONTROL_TOPIC_SPECS,
  type ControlLog,
  type EventLog,
  LOCAL_TENANT,
  RAW_TOPIC,
  type SlotGroup,
  type StoredEvent,
  topicOf,
  uuidv7,
} from '@heddle/event';
import type { Caller } from '@heddle/auth';
import type { AvroCodec, Catalogue, SchemaRegistry } from '@heddle/schema';
import type { Log } from '@heddle/runtime';
import { Dispatcher, type Span } from './dispatch.js';
import { ClientSubscriptions } from './event-mesh/client-subscriptions.js';
import { Documents } from './fetch/documents.js';
import { Objects, type ServiceToken } from './fetch/objects.js';
import { ODataOwners, type TokenFor } from './fetch/odata.js';
import { States } from './fetch/states.js';
import { FilterTrials } from './filters/filter-trials.js';
import { Hop } from './hop.js';
import type { DoorGuard } from './identity/door-guard.js';
import { Audit } from './ledger/audit.js';
import { Ledger } from './ledger/ledger.js';
import { LookUps } from './ledger/look-ups.js';
import { Limits } from './limits/limits.js';
import type { QuotaKind } from './limits/quotas.js';
import { Masking } from './masking.js';
import { MessageSorter } from './messages/message-sorter.js';
import { Namespaces } from './messages/namespaces.js';
import type { GatewayMetrics } from './metrics.js';
import { receiverNetworkOf } from './network/receiver.settings.js';
import { ObjectTopics } from './object-topics.js';
import type { MqttParts } from './protocols/mqtt/mqtt-parts.js';
import { MqttSessions } from './protocols/mqtt/mqtt-sessions.js';
import { PacketUseStore } from './protocols/mqtt/packet-use-store.js';
import { RetainedMessages } from './protocols/mqtt/retained-messages.js';
import { Retained } from './protocols/mqtt/retained.js';
import { ShareQueues } from './protocols/mqtt/share-queues.js';
import { DeliveryTurns } from './protocols/webhook/delivery-turns.js';
import { Samples } from './protocols/webhook/samples.js';
import { WebhookReceivers } from './protocols/webhook/webhook-receivers.js';
import { WebhookSafe } from './protocols/webhook/webhook-safe.js';
import { Webhooks } from './protocols/webhook/webhooks.js';
import { Publisher } from './publish.js';
import { DeliveryEngine } from './queues/delivery-engine.js';
import { type Letters, placeLetters } from './queues/place-letters.js';
import type { GatewaySettings } from './settings.js';
import { History } from './streams/history.js';
import { MovingPosition } from './streams/resume-token.js';
import { StreamHub } from './streams/stream-hub.js';
import { Tail } from './streams/tail.js';
import type { Vault } from './vault/vault.js';

/** What the gateway is built on. */
export interface GatewayParts {
  settings: GatewaySettings;
  /** As receivers reach the gateway, and as other instances reach this one; both without a slash at the end. */
  baseUrl: string;
  instanceUrl: string;
  eventLog: EventLog;
  controlLog: ControlLog;
  slotGroup: SlotGroup;
  registry: SchemaRegistry;
  codec: AvroCodec;
  catalogue: Catalogue;
  /** Signs who asks, when a request is handed on to another instance. */
  guard: Pick<DoorGuard, 'identify' | 'refuse' | 'hopToken'>;
  /** What the gateway identifies itself with to the services that own objects. */
  serviceToken: ServiceToken;
  /** What it hands requests on to them with, in the name of who asks. */
  tokenFor: TokenFor;
  /** Secrets at rest; started already. */
  vault: Vault;
  metrics: GatewayMetrics;
  log: Log;
}

/** How often catalogue and log are looked at for topics that are not read yet. */
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
  readonly documents: Documents;
  readonly odata: ODataOwners;
  readonly webhooks: Webhooks;
  readonly subscriptions: ClientSubscriptions;
  readonly dispatcher: Dispatcher;
  readonly engine: DeliveryEngine;
  readonly lookUps: LookUps;
  readonly filterTrials: FilterTrials;
  readonly hop: Hop;
  readonly limits: Limits;
  readonly mqtt: MqttParts;
  /** Under which topics the events of types go out. */
  readonly namespaces: Namespaces;
  readonly #receivers: WebhookReceivers;
  /** To watch over the routes of the doors. */
  readonly audit: Audit;
  readonly #ledger: Ledger;
  readonly #objectTopics: ObjectTopics;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: GatewayParts) {
    const { settings, baseUrl, instanceUrl, eventLog, controlLog, slotGroup, registry, codec, catalogue } = parts;
    const { guard, serviceToken, vault, metrics, log } = parts;
    this.namespaces = new Namespaces(settings.namespace);
    const position = new MovingPosition();
    const tail = new Tail(settings.tailEvents, settings.tailBytes);
    const mask = new Masking(catalogue, codec);
    const topics = (): readonly string[] => this.dispatcher.topics;
    const ledger = new Ledger(eventLog, log);
    this.#ledger = ledger;
    this.limits = new Limits(settings, ({ tenant = LOCAL_TENANT, name, used, limit }) =>
      ledger.operation({ kind: 'limit.near', tenant, name, detail: { used, limit } }),
    );
    this.audit = new Audit(ledger);
    const seenBy = (caller: Caller, event: StoredEvent): StoredEvent => mask.seenBy(caller, event);
    this.objects = new Objects(catalogue, settings.owners, serviceToken, metrics);
    this.odata = new ODataOwners(this.objects, parts.tokenFor, metrics);
    this.documents = new Documents(this.objects, serviceToken, settings, metrics);
    const engine = new DeliveryEngine({
      eventLog,
      controlLog,
      slotGroup,
      ledger,
      shared: { position, tail, topics },
      instance: `${hostname()}/${process.pid}/${uuidv7()}`,
      address: instanceUrl,
      baseUrl,
      retry: retryOf(settings),
      admitQueue: (tenant) => this.#admit('queues', tenant),
      ensureRaw: (tenant) => this.#objectTopics.ensure(topicOf(RAW_TOPIC, tenant)),
      states: new States(this.objects),
      mask,
      namespaces: this.namespaces,
      metrics,
      log,
    });
    this.engine = engine;
    this.hop = new Hop(engine.directory, engine.ownership, instanceUrl, guard, log);
    const history = new History(eventLog, topics);
    this.streams = new StreamHub(tail, history, position, baseUrl, log, mask, settings.limitSendBufferBytes);
    const { rawRetentionHours: rawHours } = settings;
    this.#objectTopics = new ObjectTopics(
      catalogue,
      eventLog,
      rawHours === undefined ? undefined : rawHours * 3_600_000,
    );
    const sorter = new MessageSorter({
      catalogue,
      namespaces: this.namespaces,
      knowsQueue: (tenant, name) => engine.knowsQueue(tenant, name),
      admit: (tenant, incoming) => engine.rooms.admit(tenant, incoming),
      json: this.limits.json,
    });
    const publisher = new Publisher(catalogue, registry, codec, eventLog, this.#objectTopics, metrics, sorter);
    this.publisher = publisher;
    const takers = {
      take(span: Span): void {
        publisher.remember(span.events);
        engine.set.take(span);
      },
    };
    this.dispatcher = new Dispatcher(eventLog, tail, position, this.streams, takers, baseUrl);
    this.filterTrials = new FilterTrials(eventLog, topics, seenBy);
    this.lookUps = new LookUps({
      eventLog,
      ledger,
      place: ({ tenant, name, uuid }, letters, cycle) =>
        this.#place(tenant, name, {
          uuid,
          cycle,
          letters: letters.map(({ partition, offset, event: { topic, key } }) => ({ partition, offset, topic, key })),
        }),
      timeline: {
        objectTopics: topics,
        ...(settings.dataDir === undefined ? {} : { directory: settings.dataDir }),
        keepMs: settings.indexHours * 3_600_000,
        maxRows: settings.indexRows,
      },
      seenBy,
      log,
    });
    const network = receiverNetworkOf(settings, instanceUrl);
    network.announce(log);
    this.#receivers = new WebhookReceivers({
      network,
      turns: new DeliveryTurns(settings.maxAttemptsInFlight),
      namespaces: this.namespaces,
      ledger,
      metrics,
      log,
      onEndpoint: ({ tenant, name }, change, reason) => {
        ledger.operation({ kind: `webhook.${change}`, tenant, name, detail: { reason } });
        if (change === 'disabled') void this.#disable(tenant, name, reason);
      },
    });
    this.webhooks = new Webhooks({
      safe: new WebhookSafe(vault, engine.store, engine.directory),
      queues: engine.queues,
      receivers: this.#receivers,
      samples: new Samples(catalogue, (tenant, id) => this.#storedEvent(tenant, id), seenBy),
      network,
      namespaces: this.namespaces,
      admitWebhook: (tenant) => this.#admit('webhooks', tenant),
      onOperation: ({ event, tenant, webhook, ...detail }) =>
        ledger.operation({ kind: `webhook.${event.slice('webhook-'.length)}`, tenant, name: webhook, detail }),
      baseUrl,
      log,
    });
    engine.accompany(this.webhooks);
    const { queues, directory } = engine;
    this.subscriptions = new ClientSubscriptions({ webhooks: this.webhooks, queues, hop: this.hop });
    const shares = new ShareQueues({
      queues,
      directory,
      ask: (tenant, queue, path, body) => this.hop.post(tenant, queue, path, body),
    });
    const messages = new RetainedMessages({ controlLog, publisher, maxBytes: settings.mqttRetainedBytes });
    const retained = { eventLog, messages, topics, mask, namespaces: this.namespaces, baseUrl };
    this.mqtt = {
      sessions: new MqttSessions({
        queues,
        directory,
        messages,
        shares,
        uses: new PacketUseStore({ controlLog, queues }),
        log,
      }),
      shares,
      messages,
      retained: new Retained(retained, settings.mqttRetained),
    };
    engine.accompany(this.mqtt.sessions);
  }

  /** What queues and webhooks are managed with, in whatever words. */
  get management() {
    const { engine, webhooks, limits, namespaces } = this;
    return { queues: engine.queues, directory: engine.directory, webhooks, limits, namespaces };
  }

  /** Reads the log, and takes over the queues that are this instance's to work on. */
  async start(): Promise<void> {
    const { controlLog, eventLog, log } = this.parts;
    await controlLog.ensureTopics(CONTROL_TOPIC_SPECS);
    await eventLog.ensureTopics(CONTROL_TOPIC_SPECS);
    const topics = await this.#objectTopics.list();
    // That the broker does not let us is no reason to stand still.
    await this.#objectTopics
      .retainRaw()
      .catch((error: unknown) => log.warn({ event: 'raw-retention-unchanged', err: error }, 'as it was before'));
    await this.dispatcher.add(topics);
    await this.mqtt.messages.start();
    await this.engine.start();
    await this.lookUps.start();
    this.#timer = setInterval(() => void this.#addNewTopics(), NEW_TOPICS_MS);
    log.info({ event: 'dispatching', topics, slots: this.engine.ownership.slots.length }, 'dispatching');
  }

  /** Reads nothing new, lets attempts under way end, stores how far every queue is, and gives the queues to others. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.dispatcher.stop();
    this.webhooks.close();
    await this.#receivers.stop(STOP_GRACE_MS);
    await this.engine.stop();
    await this.mqtt.messages.stop();
    await this.lookUps.stop();
    this.audit.stop();
    await this.#ledger.stop();
    await this.objects.close();
    await this.documents.close();
    await this.odata.close();
    await this.hop.close();
  }

  /** @throws HeddleError `quota-exceeded` */
  #admit(kind: Exclude<QuotaKind, 'clients'>, tenant: string): void {
    const present = this.engine.directory[kind](tenant);
    this.limits.quotas.admit(tenant, kind, present.length);
  }

  async #disable(tenant: string, name: string, reason: string): Promise<void> {
    try {
      await this.webhooks.disable({ tenant, name }, reason);
    } catch (error) {
      this.parts.log.error({ event: 'webhook-not-disabled', tenant, webhook: name, err: error }, 'could not be stored');
    }
  }

  /** A redrive runs at one instance, and its queues may be at work at others. */
  async #place(tenant: string, name: string, letters: Letters): Promise<void> {
    const { queues } = this.engine;
    if (queues.atWork(tenant, name) !== undefined) return placeLetters(queues, { tenant, name }, letters);
    await this.hop.post(tenant, name, `/v1/tenants/${tenant}/queues/${encodeURIComponent(name)}/letters`, letters);
  }

  async #storedEvent(tenant: string, id: string): Promise<StoredEvent | undefined> {
    const [found] = await this.lookUps.events.places(tenant, id);
    if (found === undefined) return undefined;
    const { topic, partition, offset } = found;
    const { events } = await this.parts.eventLog.fetch({ topic, partition, offset }, { maxBytes: 1 });
    return events.find((event) => event.offset === offset);
  }

  async #addNewTopics(): Promise<void> {
    try {
      const known = new Set(this.dispatcher.topics);
      const fresh = (await this.#objectTopics.list()).filter((topic) => !known.has(topic));
      if (fresh.length === 0) return;
      await this.dispatcher.add(fresh);
      this.engine.set.refillAll();
    } catch (error) {
      this.parts.log.warn({ event: 'topics-unread', err: error }, 'new topics could not be read yet, trying again');
    }
  }
}

function retryOf({ retryFirstMs, retryCapMs, retryAttempts, retryMaxAgeHours }: GatewaySettings) {
  return {
    firstMs: retryFirstMs,
    factor: 2,
    capMs: retryCapMs,
    jitter: RETRY_JITTER,
    attempts: retryAttempts,
    maxAgeMs: retryMaxAgeHours * 3_600_000,
  };
}
