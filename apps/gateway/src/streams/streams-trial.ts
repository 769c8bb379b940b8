import type { Caller } from '@heddle/auth';
import { MemoryEventLog } from '@heddle/event';
import { createLog, createMetrics } from '@heddle/runtime';
import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import { Dispatcher } from '../dispatch.js';
import { callerFor } from '../identity/identity-trial.js';
import { Limits } from '../limits/limits.js';
import { Masking } from '../masking.js';
import { MessageSorter } from '../messages/message-sorter.js';
import { Namespaces } from '../messages/namespaces.js';
import { createGatewayMetrics } from '../metrics.js';
import { ObjectTopics } from '../object-topics.js';
import type { IncomingEvent } from '../incoming-event.js';
import { type PublishOutcome, Publisher } from '../publish.js';
import { sseForm } from '../protocols/sse/sse.frames.js';
import type { StreamEnd, StreamSink } from './fan-out.js';
import { History } from './history.js';
import { MovingPosition } from './resume-token.js';
import type { StreamStart } from './stream.js';
import { StreamHub } from './stream-hub.js';
import { Tail } from './tail.js';
import { wantedTypes } from './wanted-types.js';

export const CONTRACT_SIGNED = 'heddle.contract.v1.Contract.Signed.v1';
export const CONTRACT_DRAFTED = 'heddle.contract.v1.Contract.DraftCreated.v1';

const BASE_URL = 'http://gateway.test';
const TAIL = { events: 20_000, bytes: 32_000_000 } as const;

/** Both necks and the streams on a log in memory, without queues; what is in the log outlives a restart. */
export class TrialStreams {
  publisher!: Publisher;
  streams!: StreamHub;
  dispatcher!: Dispatcher;
  /** `tenant/name` of those that messages may be published to. */
  readonly queues = new Set<string>();
  /** What the tail keeps, from the next start on. */
  tailEvents: number = TAIL.events;
  #topics!: ObjectTopics;

  private constructor(
    readonly eventLog: MemoryEventLog,
    readonly catalogue: Catalogue,
    readonly registry: MemorySchemaRegistry,
    private readonly codec: AvroCodec,
  ) {}

  static async start(): Promise<TrialStreams> {
    const registry = new MemorySchemaRegistry();
    await registerSchemas(registry, await loadSchemaFiles('schemas'));
    const codec = new AvroCodec(registry);
    const catalogue = new Catalogue(registry, codec);
    await catalogue.refresh();
    const eventLog = new MemoryEventLog({ decode: ({ value }) => codec.decode(value) });
    const trial = new TrialStreams(eventLog, catalogue, registry, codec);
    await trial.begin();
    return trial;
  }

  /** Begins with nothing but the log. */
  async begin(): Promise<void> {
    const { catalogue, codec, eventLog } = this;
    const log = createLog('test', 'silent');
    const position = new MovingPosition();
    const tail = new Tail(this.tailEvents, TAIL.bytes);
    this.#topics = new ObjectTopics(catalogue, eventLog);
    const metrics = createGatewayMetrics(createMetrics('test'));
    const sorter = new MessageSorter({
      catalogue,
      namespaces: new Namespaces(),
      admit: () => undefined,
      knowsQueue: (tenant, name) => this.queues.has(`${tenant}/${name}`),
      json: new Limits().json,
    });
    this.publisher = new Publisher(catalogue, this.registry, codec, eventLog, this.#topics, metrics, sorter);
    const history = new History(eventLog, () => this.dispatcher.topics);
    this.streams = new StreamHub(tail, history, position, BASE_URL, log, new Masking(catalogue, codec));
    const takers = { take: () => undefined };
    this.dispatcher = new Dispatcher(eventLog, tail, position, this.streams, takers, BASE_URL);
    await this.findTopics();
  }

  /** Reads what there is by now, as the gateway does from time to time. */
  async findTopics(): Promise<void> {
    await this.dispatcher.add(await this.#topics.list());
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.begin();
  }

  async stop(): Promise<void> {
    this.streams.close();
    await this.dispatcher.stop();
  }

  async close(): Promise<void> {
    await this.stop();
    this.catalogue.close();
  }

  event(type: string, key: string, id: string): IncomingEvent {
    const { example, key: field } = this.catalogue.get(type)!;
    return { attributes: { id, source: '/test', type }, data: { json: { ...(example as object), [field]: key } } };
  }

  publish(caller: Caller, key: string, ...ids: string[]): Promise<PublishOutcome[]> {
    return this.publisher.publish(
      caller,
      ids.map((id) => this.event(CONTRACT_SIGNED, key, id)),
    );
  }

  /** A stream of somebody; of everything in the local tenant, when nothing is said. */
  open(start: StreamStart, caller: Caller = callerFor(), types: readonly string[] = []): RecordingSink {
    const sink = new RecordingSink();
    this.streams.open({ caller, ...wantedTypes(caller, types), form: sseForm, start, sink });
    return sink;
  }
}

/** Keeps what a stream writes; it can pretend that the network does not take it. */
export class RecordingSink implements StreamSink {
  queued = 0;
  ended: StreamEnd | undefined;
  text = '';
  #drains: (() => void)[] = [];

  get queuedBytes(): number {
    return this.queued;
  }

  write(bytes: Buffer): void {
    this.text += bytes.toString();
  }

  onceDrained(callback: () => void): void {
    if (this.queued === 0) setImmediate(callback);
    else this.#drains.push(callback);
  }

  close(reason: StreamEnd): void {
    this.ended = reason;
  }

  drain(): void {
    this.queued = 0;
    for (const callback of this.#drains.splice(0)) callback();
  }

  events(): { id: string; type: string; data: unknown }[] {
    return [...this.text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json!) as never);
  }

  tokens(): string[] {
    return [...this.text.matchAll(/^id: (.*)$/gm)].map(([, token]) => token!);
  }

  ids(): string[] {
    return this.events()
      .slice(1)
      .map(({ id }) => id);
  }
}
