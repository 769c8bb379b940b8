import {
  CONTROL_TOPIC_SPECS,
  type ControlLog,
  type ControlPut,
  type EventLog,
  HeddleError,
  LOCAL_TENANT,
  MemoryControlLog,
  MemoryEventLog,
  MemorySlotGroup,
  type SlotGroup,
  type StoredEvent,
  objectTopicSpec,
  uuidv7,
} from '@heddle/event';
import { createLog, createMetrics } from '@heddle/runtime';
import { Dispatcher } from '../dispatch.js';
import type { Objects } from '../fetch/objects.js';
import { States } from '../fetch/states.js';
import { Ledger } from '../ledger/ledger.js';
import { Namespaces } from '../messages/namespaces.js';
import { createGatewayMetrics } from '../metrics.js';
import { History } from '../streams/history.js';
import { MovingPosition } from '../streams/resume-token.js';
import { StreamHub } from '../streams/stream-hub.js';
import { Tail } from '../streams/tail.js';
import { DeliveryEngine } from './delivery-engine.js';
import type { DeliveryQueue } from './delivery-queue.js';
import type { QueueDefinition } from './queue.js';

export const TRIAL_TOPIC = 'trial';
const TRIAL_TYPE = 'heddle.trial.v1.Trial.Done.v1';
const PARTITIONS = 3;

/** Logs in memory that engines share, for tests: engines come, die and take over from each other on them. */
export class TrialGround {
  readonly eventLog = new MemoryEventLog({
    decode: ({ value }) => ({ data: JSON.parse(Buffer.from(value).toString()) as unknown }),
  });
  readonly controlLog = new MemoryControlLog();
  readonly slotGroup = new MemorySlotGroup();
  /** Hides what is personal; nothing is. */
  masked: (event: StoredEvent) => StoredEvent = (event) => event;
  /** What the owners of objects answer with. */
  fetch: Objects['fetch'] = () => Promise.reject(new HeddleError('not-found', 'there are no objects'));

  static async make(): Promise<TrialGround> {
    const ground = new TrialGround();
    await ground.eventLog.ensureTopics([objectTopicSpec(TRIAL_TOPIC, PARTITIONS), ...CONTROL_TOPIC_SPECS]);
    await ground.controlLog.ensureTopics(CONTROL_TOPIC_SPECS);
    return ground;
  }

  async append(key: string, id: string, attributes: Record<string, string> = {}): Promise<void> {
    const event = {
      attributes: {
        id,
        source: '/trial',
        type: TRIAL_TYPE,
        subject: key,
        datacontenttype: 'application/json',
        ...attributes,
      },
      value: Buffer.from(JSON.stringify({ id })),
    };
    const [outcome] = await this.eventLog.append([{ topic: TRIAL_TOPIC, key, event }]);
    if (outcome === undefined || 'error' in outcome) throw new Error('not appended');
  }

  startEngine(settings: { tailEvents?: number; mortal?: MortalControlLog } = {}): Promise<TrialEngine> {
    return TrialEngine.start(this, settings);
  }
}

/** A control log that can die in the middle of what it does, like the process it stands for. */
export class MortalControlLog implements ControlLog {
  #dead = false;
  /** Puts until death; the last of them may have been written, or not. */
  putsLeft = Infinity;
  isLastWritten = false;

  constructor(private readonly inner: ControlLog) {}

  get isDead(): boolean {
    return this.#dead;
  }

  die(): void {
    this.#dead = true;
  }

  async put(topic: string, puts: readonly ControlPut[]): Promise<number[]> {
    if (this.#dead) return new Promise(() => undefined);
    this.putsLeft -= 1;
    if (this.putsLeft <= 0) {
      this.#dead = true;
      if (this.isLastWritten) await this.inner.put(topic, puts);
      return new Promise(() => undefined);
    }
    return this.inner.put(topic, puts);
  }

  load: ControlLog['load'] = (topic, partitions, apply) => this.inner.load(topic, partitions, apply);
  follow: ControlLog['follow'] = (topic, apply) => this.inner.follow(topic, apply);
  ensureTopics: ControlLog['ensureTopics'] = (specs) => this.inner.ensureTopics(specs);
}

interface TrialMembership {
  isSure: boolean;
  leave(): Promise<void>;
  renewed(): void;
}

/** One instance's engine, with the shared reader in front of it. */
export class TrialEngine {
  private constructor(
    readonly engine: DeliveryEngine,
    readonly ledger: Ledger,
    private readonly dispatcher: Dispatcher,
    private readonly controlLog: MortalControlLog,
    private readonly membership: TrialMembership,
  ) {}

  static async start(
    ground: TrialGround,
    {
      tailEvents = 1000,
      mortal = new MortalControlLog(ground.controlLog),
    }: { tailEvents?: number; mortal?: MortalControlLog },
  ): Promise<TrialEngine> {
    const log = createLog('trial', 'silent');
    const position = new MovingPosition();
    const tail = new Tail(tailEvents, 32_000_000);
    const eventLog: EventLog = ground.eventLog;
    const topics = (): readonly string[] => dispatcher.topics;
    const ledger = new Ledger(eventLog, log);
    const membership: TrialMembership = { isSure: true, leave: () => Promise.resolve(), renewed: () => undefined };
    const slotGroup: SlotGroup = {
      join: async (handlers) => {
        const member = await ground.slotGroup.join(handlers);
        membership.leave = () => member.leave();
        membership.renewed = () => handlers.onRenewed();
        const isCurrent = (): boolean => membership.isSure && !mortal.isDead && member.isCurrent();
        return { isCurrent, leave: membership.leave };
      },
    };
    const engine = new DeliveryEngine({
      eventLog,
      controlLog: mortal,
      slotGroup,
      ledger,
      shared: { position, tail, topics },
      instance: uuidv7(),
      address: 'http://instance.test',
      baseUrl: 'http://gateway.test',
      retry: trialQueue('').retry,
      states: new States({
        fetch: (tenant, object, key, version) => ground.fetch(tenant, object, key, version),
        typesOf: () => [TRIAL_TYPE],
      }),
      mask: { masked: (event) => ground.masked(event) },
      namespaces: new Namespaces(),
      metrics: createGatewayMetrics(createMetrics('trial')),
      log,
    });
    const streams = new StreamHub(tail, new History(eventLog, topics), position, 'http://gateway.test', log);
    const dispatcher: Dispatcher = new Dispatcher(eventLog, tail, position, streams, engine.set, 'http://gateway.test');
    await dispatcher.add([TRIAL_TOPIC]);
    await engine.start();
    return new TrialEngine(engine, ledger, dispatcher, mortal, membership);
  }

  get isDead(): boolean {
    return this.controlLog.isDead;
  }

  /** Dies at one of the next puts, which may still have been written. */
  dieAfterPuts(puts: number, isLastWritten: boolean): void {
    this.controlLog.putsLeft = puts;
    this.controlLog.isLastWritten = isLastWritten;
  }

  async create(name: string, settings: Partial<QueueDefinition> = {}): Promise<QueueDefinition> {
    const definition = trialQueue(name, settings);
    await this.engine.store.putQueue(definition);
    this.engine.queues.begin(definition);
    return definition;
  }

  /** @throws Error when it is not at work here */
  queue(name: string, tenant: string = LOCAL_TENANT): DeliveryQueue {
    const queue = this.engine.queues.atWork(tenant, name);
    if (queue === undefined) throw new Error(`${name} is not at work here`);
    return queue;
  }

  /** Hears nothing of the group any more, as when the broker is away, or again. */
  hear(isSure: boolean): void {
    this.membership.isSure = isSure;
    if (isSure) this.membership.renewed();
  }

  /** Dies as by kill -9: nothing more is written, and the group gives its slots away. */
  async kill(): Promise<void> {
    this.controlLog.die();
    await this.dispatcher.stop();
    this.engine.set.stop();
    await this.membership.leave();
  }

  async stop(): Promise<void> {
    await this.dispatcher.stop();
    await this.engine.stop();
    await this.ledger.stop();
  }
}

export function trialQueue(name: string, settings: Partial<QueueDefinition> = {}): QueueDefinition {
  const now = new Date().toISOString();
  return {
    format: 1,
    tenant: 'local',
    name,
    uuid: uuidv7(),
    version: 1,
    types: ['*'],
    filter: [],
    order: 'key',
    leaseMs: 30_000,
    retry: { firstMs: 1, factor: 2, capMs: 20, jitter: 0, attempts: 1000, maxAgeMs: 3_600_000 },
    deadLetters: true,
    maxInFlight: 1000,
    shape: 'notify',
    start: {},
    paused: false,
    implicit: false,
    createdAt: now,
    updatedAt: now,
    rights: ['fetch:type:*', 'unmask:type:*'],
    ...settings,
  };
}
