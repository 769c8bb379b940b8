import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClientCredentials, ClientTokens } from '@heddle/auth';
import {
  ADMINISTRATOR,
  MESH_APPS,
  freePorts,
  makeClients,
  registerOwnSchemas,
  secretFile,
  startMeshApp,
  urlOf,
  type MeshApp,
  type MeshGround,
  type MeshPorts,
  type Running,
} from '@heddle/infra';
import { call } from './http-call.js';
import { addKey } from './keyring.js';

export interface MeshOptions {
  /** Broker, registry and database: what `inject('stack')` or `startStack` gives. */
  ground: MeshGround;
  /** The processes to start; all by default. */
  apps?: readonly MeshApp[];
  /** Added to the environment of a process. */
  env?: Partial<Record<MeshApp, Record<string, string>>>;
  /** A mesh to stand beside: what is not started is that one's, and so are the clients and the issuer of tokens. */
  beside?: Mesh;
}

/** Of the document that a client is given, what it gets tokens with. */
interface ServiceKey {
  tokenEndpoint: string;
  clientId: string;
  clientSecret: string;
}

/** The real, built processes of the mesh, running on free ports; each can be killed and started again on its port. */
export class Mesh {
  readonly ports: MeshPorts;
  /** Its logs, and the secrets of its first clients. */
  readonly dir: string;
  #options: MeshOptions;
  #secrets: string;
  #running = new Map<MeshApp, Running>();

  protected constructor(options: MeshOptions, ports: MeshPorts, dir: string) {
    this.#options = options;
    this.ports = ports;
    this.dir = dir;
    this.#secrets = options.beside === undefined ? join(dir, 'secrets') : options.beside.#secrets;
  }

  /** Registers the schemas and starts the processes; resolves once all are ready. */
  static async start(options: MeshOptions): Promise<Mesh> {
    const { apps = MESH_APPS, beside, ground } = options;
    const free = await freePorts(MESH_APPS.length);
    const portOf = (app: MeshApp, index: number): number => {
      return beside === undefined || apps.includes(app) ? (free[index] ?? 0) : beside.ports[app];
    };
    const ports = Object.fromEntries(MESH_APPS.map((app, index) => [app, portOf(app, index)])) as Record<
      MeshApp,
      number
    >;
    const mesh = new Mesh(options, ports, await mkdtemp(join(tmpdir(), 'heddle-mesh-')));
    try {
      if (beside === undefined) makeClients(mesh.#secrets);
      await registerOwnSchemas(ground.registryUrl);
      await Promise.all(apps.map((app) => mesh.startApp(app)));
      await mesh.getKeys();
    } catch (error) {
      await mesh.stop();
      throw error;
    }
    return mesh;
  }

  /** Starts another instance of the gateway; from outside both are known under the URL of the first one. */
  async anotherGateway(): Promise<Mesh> {
    const { ground, env } = this.#options;
    const gateway = { ...env?.gateway, GATEWAY_URL: this.url('gateway') };
    return Mesh.start({ ground, apps: ['gateway'], env: { gateway }, beside: this });
  }

  url(app: MeshApp): string {
    return urlOf(app, this.ports);
  }

  /** An access token of the administrator, good for so much of what that may do; for all of it when nothing is said. */
  async token(permissions?: readonly string[]): Promise<string> {
    const scope = permissions === undefined ? {} : { scope: permissions.join(' ') };
    const header = await new ClientTokens({ ...(await this.credentialsOf(ADMINISTRATOR)), ...scope }).header();
    return header.replace('Bearer ', '');
  }

  /** How one of the clients that are there from the start gets tokens: the administrator, and each service. */
  async credentialsOf(client: string): Promise<ClientCredentials> {
    const clientSecret = (await readFile(this.secretFile(client), 'utf8')).trim();
    return { tokenUrl: `${this.url('gateway')}/oauth/token`, clientId: client, clientSecret };
  }

  /** A new client with these permissions, made by whoever has the tokens; by the administrator when nothing is said. */
  async newClient(permissions: readonly string[], by?: ClientTokens): Promise<ClientTokens> {
    const headers = by === undefined ? {} : { authorization: await by.header() };
    const url = `${this.url('gateway')}/v1/clients/client-${randomUUID()}`;
    const { status, text, json } = await call('PUT', url, { headers, body: { permissions } });
    if (status !== 201) throw new Error(`The client was not made: ${text}`);
    const { clientId, clientSecret } = json as { clientId: string; clientSecret: string };
    return new ClientTokens({ tokenUrl: `${this.url('gateway')}/oauth/token`, clientId, clientSecret });
  }

  /** A new tenant, and the tokens of its administrator. */
  async newTenant(): Promise<{ tenant: string; administrator: ClientTokens }> {
    const tenant = `tenant-${randomUUID().slice(0, 8)}`;
    const { status, text, json } = await call('PUT', `${this.url('gateway')}/v1/tenants/${tenant}`, { body: {} });
    if (status !== 201) throw new Error(`The tenant was not made: ${text}`);
    const { oauth2 } = (json as { serviceKey: { oauth2: ServiceKey } }).serviceKey;
    const { tokenEndpoint: tokenUrl, clientId, clientSecret } = oauth2;
    return { tenant, administrator: new ClientTokens({ tokenUrl, clientId, clientSecret }) };
  }

  /** The file with the secret of a client. */
  secretFile(client: string): string {
    return secretFile(this.#secrets, client);
  }

  logFile(app: MeshApp): string {
    return join(this.dir, `${app}.log`);
  }

  /** @throws Error when it does not run */
  app(app: MeshApp): Running {
    const running = this.#running.get(app);
    if (running === undefined) throw new Error(`${app} does not run.`);
    return running;
  }

  /** Starts a process that does not run; resolves once it is ready. */
  async startApp(app: MeshApp): Promise<Running> {
    const running = await startMeshApp(app, {
      ground: this.#options.ground,
      ports: this.ports,
      secrets: this.#secrets,
      logFile: this.logFile(app),
      env: this.#options.env?.[app] ?? {},
      onSpawn: (child) => this.#running.set(app, child),
    });
    return running;
  }

  /** Kills a process with SIGKILL; resolves once it is gone. */
  async killApp(app: MeshApp): Promise<void> {
    const running = this.app(app);
    running.kill();
    await running.exited;
  }

  /** Stops a process in order. */
  async stopApp(app: MeshApp): Promise<void> {
    await this.app(app).stop();
  }

  /** Stops all, the gateway first, and removes the logs. */
  async stop(): Promise<void> {
    for (const app of MESH_APPS.toReversed()) await this.#running.get(app)?.stop();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** From now on whoever asks a process of this mesh without saying who, asks as its administrator. */
  protected async getKeys(): Promise<void> {
    const tokens = new ClientTokens(await this.credentialsOf(ADMINISTRATOR));
    // Now, so that none has to be got when the gateway is away.
    await tokens.header();
    for (const app of MESH_APPS) addKey(this.url(app), tokens);
  }
}
