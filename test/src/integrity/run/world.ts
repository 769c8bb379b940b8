import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClientCredentials } from '@heddle/auth';
import {
  ADMINISTRATOR,
  MESH_APPS,
  type MeshApp,
  type Running,
  databaseUrl,
  freePorts,
  startBroker,
  startDatabase,
  startRegistry,
} from '@heddle/infra';
import { Mesh } from '../../support/mesh.js';
import { moment } from '../history.js';
import type { HistoryLog } from './history-log.js';
import { TcpLink } from './tcp-link.js';

/** Every process that may be harmed. */
export type Target = 'gateway-1' | 'gateway-2' | 'sales-order' | 'broker';

/** What a link leads from, and what to. */
export type LinkName =
  'gateway-1 to broker' | 'gateway-2 to broker' | 'sales-order to broker' | 'sales-order to database';

export interface WorldOptions {
  /** Data and logs; the caller removes it. */
  dir: string;
  /** A registry that runs already; without it one is started. */
  registryUrl?: string;
  gateways: 1 | 2;
  log: HistoryLog;
}

const GATEWAY_ENV = {
  HEDDLE_APPEND_TIMEOUT_MS: '3000',
  HEDDLE_RETRY_FIRST_MS: '50',
  HEDDLE_RETRY_CAP_MS: '1000',
};

/** The processes of a run, each with its own ways to broker and database. */
export class World {
  readonly links = new Map<LinkName, TcpLink>();
  #meshes: Mesh[] = [];
  #broker!: Running;
  #startBroker!: () => Promise<Running>;
  #others: Running[] = [];
  #wanted = new Set<number>();
  #brokerPort = 0;
  #databaseUrl = '';
  #registryUrl = '';

  private constructor(private readonly options: WorldOptions) {}

  static async start(options: WorldOptions): Promise<World> {
    const world = new World(options);
    try {
      await world.#startGround();
      await world.#startMeshes();
    } catch (error) {
      await world.stop();
      throw error;
    }
    return world;
  }

  /** Past all links. */
  get brokers(): string[] {
    return [`127.0.0.1:${this.#brokerPort}`];
  }

  get databaseUrl(): string {
    return this.#databaseUrl;
  }

  get registryUrl(): string {
    return this.#registryUrl;
  }

  get gateways(): string[] {
    return this.#meshes.map((mesh) => mesh.url('gateway'));
  }

  /** Whoever may do everything. */
  credentials(): Promise<ClientCredentials> {
    return this.#meshes[0]!.credentialsOf(ADMINISTRATOR);
  }

  url(app: MeshApp): string {
    return this.#meshes[0]!.url(app);
  }

  kill(target: Target): Promise<unknown> {
    const running = this.#running(target);
    this.#wanted.add(running.pid);
    running.kill();
    return running.exited;
  }

  /** Starts what was killed; resolves once it is ready. */
  async startAgain(target: Target): Promise<void> {
    const place = this.#place(target);
    if (place === undefined) this.#broker = this.#watch(target, await this.#startBroker());
    else this.#watch(target, await place.mesh.startApp(place.app));
  }

  pause(target: Target): void {
    process.kill(this.#running(target).pid, 'SIGSTOP');
  }

  resume(target: Target): void {
    process.kill(this.#running(target).pid, 'SIGCONT');
  }

  /** What processes wrote so far: their mesh removes its logs. */
  async #keepLogs(mesh: Mesh, number: number): Promise<void> {
    for (const app of MESH_APPS) {
      if (!existsSync(mesh.logFile(app))) continue;
      await copyFile(mesh.logFile(app), join(this.options.dir, `${app}-${number}.log`));
    }
  }

  /** Stops all in order; what runs no more is no error. */
  async stop(): Promise<void> {
    for (const running of this.#all()) this.#wanted.add(running.pid);
    for (const [index, mesh] of this.#meshes.entries()) await this.#keepLogs(mesh, index + 1);
    for (const mesh of this.#meshes.toReversed()) await mesh.stop();
    for (const link of this.links.values()) await link.close();
    for (const running of this.#others.toReversed()) await running.stop();
    await (this.#broker as Running | undefined)?.stop();
  }

  async #startGround(): Promise<void> {
    const { dir, registryUrl } = this.options;
    const [port = 0, controllerPort = 0, databasePort = 0, registryPort = 0] = await freePorts(4);
    this.#brokerPort = port;
    this.#databaseUrl = databaseUrl(databasePort);
    const at = (name: string): string => join(dir, `${name}.log`);
    this.#startBroker = () => startBroker({ dir: join(dir, 'kafka'), port, controllerPort, logFile: at('kafka') });
    const [broker, database] = await Promise.all([
      this.#startBroker(),
      startDatabase({ dir: join(dir, 'postgres'), port: databasePort, logFile: at('postgres') }),
    ]);
    this.#broker = this.#watch('broker', broker);
    this.#others.push(this.#watch('database', database));
    this.#registryUrl = registryUrl ?? `http://127.0.0.1:${registryPort}/apis/ccompat/v7`;
    if (registryUrl === undefined) {
      const registry = await startRegistry({ port: registryPort, brokers: this.brokers[0]!, logFile: at('registry') });
      this.#others.push(this.#watch('registry', registry));
    }
    for (const from of ['gateway-1', 'gateway-2', 'sales-order'] as const) {
      await this.#link(`${from} to broker`, port, true);
    }
    await this.#link('sales-order to database', databasePort, false);
  }

  async #link(name: LinkName, port: number, toBroker: boolean): Promise<void> {
    this.links.set(name, await TcpLink.open({ name, port, toBroker }));
  }

  async #startMeshes(): Promise<void> {
    const ground = { kafkaBrokers: this.brokers, registryUrl: this.registryUrl, databaseUrl: this.databaseUrl };
    const database = new URL(this.databaseUrl);
    database.port = String(this.links.get('sales-order to database')!.port);
    const first = await Mesh.start({
      ground,
      env: {
        gateway: { ...GATEWAY_ENV, KAFKA_BROKERS: this.#via('gateway-1 to broker') },
        'sales-order': { KAFKA_BROKERS: this.#via('sales-order to broker'), DATABASE_URL: database.href },
      },
    });
    this.#meshes.push(first);
    if (this.options.gateways === 2) {
      const env = {
        ...GATEWAY_ENV,
        KAFKA_BROKERS: this.#via('gateway-2 to broker'),
        // Both are reached under one URL from outside, as behind a load balancer: events name it.
        GATEWAY_URL: first.url('gateway'),
      };
      this.#meshes.push(await Mesh.start({ ground, apps: ['gateway'], env: { gateway: env }, beside: first }));
    }
    this.#watch('gateway-1', first.app('gateway'));
    this.#watch('sales-order', first.app('sales-order'));
    this.#watch('business-partner', first.app('business-partner'));
    if (this.options.gateways === 2) this.#watch('gateway-2', this.#meshes[1]!.app('gateway'));
  }

  #via(link: LinkName): string {
    return `127.0.0.1:${this.links.get(link)!.port}`;
  }

  /** Notes its end, and whether that was wanted. */
  #watch<R extends Running>(name: string, running: R): R {
    void running.exited.then(({ code, signal }) => {
      const wanted = this.#wanted.has(running.pid);
      this.options.log.write({ line: 'exit', process: name, code, signal, wanted, at: moment() });
    });
    return running;
  }

  #all(): Running[] {
    const apps = this.#meshes.flatMap((mesh, at) =>
      (at === 0 ? (['gateway', 'sales-order', 'business-partner'] as const) : (['gateway'] as const)).map((app) =>
        mesh.app(app),
      ),
    );
    return [...apps, ...this.#others, ...(this.#broker === undefined ? [] : [this.#broker])];
  }

  #place(target: Target): { mesh: Mesh; app: MeshApp } | undefined {
    if (target === 'broker') return undefined;
    if (target === 'gateway-2') return { mesh: this.#meshes[1]!, app: 'gateway' };
    return { mesh: this.#meshes[0]!, app: target === 'gateway-1' ? 'gateway' : target };
  }

  #running(target: Target): Running {
    const place = this.#place(target);
    return place === undefined ? this.#broker : place.mesh.app(place.app);
  }
}
