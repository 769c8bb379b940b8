import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guardRoutes } from '@heddle/auth';
import { type ControlLog, MemoryControlLog, problemOf } from '@heddle/event';
import { Health, createHttpApp, createLog, createMetrics } from '@heddle/runtime';
import { afterAll, expect } from 'vitest';
import { settings } from '../settings.js';
import { TRIAL_MASTER_KEY } from '../vault/vault-trial.js';
import { ClientsController } from './clients.controller.js';
import { Identity } from './identity.js';
import { TrialSealer } from './sealer-trial.js';
import { TenantsController } from './tenants.controller.js';
import { TicketsController } from './tickets.controller.js';

/** What a request was answered with. */
export interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

/** A client that may do everything, as the file of clients has it. */
export const ADMIN = {
  client: 'administrator',
  namespace: 'local/mesh/dev',
  secret: 'a-secret-of-sixteen-and-more',
  permissions: ['*', 'manage:tenant:*'],
};

/** A listening server with all there is of identity, on a log that others may share, and doors that say who came in. */
export class TrialServer {
  private constructor(
    readonly url: string,
    readonly identity: Identity,
    /** The clients whose requests were let in, one for each that counts towards a rate. */
    readonly admitted: readonly string[],
    private readonly close: () => Promise<void>,
  ) {}

  static async start(
    clientsFile?: string,
    environment: Record<string, string> = {},
    controlLog: ControlLog = new MemoryControlLog(),
  ): Promise<TrialServer> {
    const admitted: string[] = [];
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const log = createLog('test', 'silent');
    const file = clientsFile === undefined ? {} : { HEDDLE_CLIENTS_FILE: clientsFile };
    const identity = new Identity({
      settings: settings.read({
        HEDDLE_MASTER_KEY: TRIAL_MASTER_KEY,
        HEDDLE_ISSUER: 'https://gateway.example',
        ...file,
        ...environment,
      }),
      baseUrl: url,
      controlLog,
      sealer: new TrialSealer(),
      inUse: (tenant) => (tenant === 'busy' ? '2 queues' : undefined),
      admit: ({ caller }) => void admitted.push(caller?.client ?? ''),
      log,
    });
    await identity.start();
    class Module {}
    const module = {
      module: Module,
      controllers: [ClientsController, TenantsController, TicketsController],
      providers: identity.providers,
    };
    const { guard } = identity;
    const app = await createHttpApp(module, {
      log,
      health: new Health(),
      metrics: createMetrics('test'),
      openApi: {},
      guard: (server) => guardRoutes(server, guard),
    });
    const server = app.getHttpAdapter().getInstance();
    identity.open(server);
    const access = 'client';
    server.get('/v1/stream', { config: { access } }, ({ caller }) => ({ client: caller?.client }));
    server.get('/trial/instances', { config: { access: 'instance' } }, () => ({}));
    server.get(
      '/trial/queues/:name',
      { config: { access: { verb: 'consume', kind: 'queue', param: 'name' } } },
      () => ({}),
    );
    server.server.on('upgrade', (request, socket) => {
      void (async () => {
        try {
          const { client } = await guard.identifyUpgrade(request);
          socket.end(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nclient: ${client}\r\n\r\n`);
        } catch (error) {
          socket.end(`HTTP/1.1 ${problemOf(error).status} Refused\r\n\r\n`);
        }
      })();
    });
    await app.listen(port, '127.0.0.1');
    return new TrialServer(url, identity, admitted, async () => {
      await app.close();
      await identity.stop();
    });
  }

  stop(): Promise<void> {
    return this.close();
  }

  async call(
    method: string,
    path: string,
    { token, headers = {}, body }: { token?: string; headers?: Record<string, string>; body?: unknown } = {},
  ): Promise<Answer> {
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return answerOf(answer);
  }

  /** Asks the token endpoint with a form. */
  async form(fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
    return answerOf(
      await fetch(`${this.url}/oauth/token`, { method: 'POST', body: new URLSearchParams(fields), headers }),
    );
  }

  /** An access token by client and secret. */
  async token(client = ADMIN.client, secret = ADMIN.secret, scope?: string): Promise<string> {
    const { status, body } = await this.form(
      { grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) },
      { authorization: basic(client, secret) },
    );
    if (status !== 200) throw new Error(`no token: ${status} ${JSON.stringify(body)}`);
    return body.access_token as string;
  }
}

let directory: string | undefined;
process.once('exit', () => directory !== undefined && rmSync(directory, { recursive: true, force: true }));

/** Writes a file of clients, as only its owner may read it; it goes with the process. */
export async function clientsFile(clients: readonly object[]): Promise<string> {
  directory ??= mkdtempSync(join(tmpdir(), 'heddle-'));
  const file = join(directory, `${randomUUID()}.json`);
  await writeFile(file, JSON.stringify({ clients }), { mode: 0o600 });
  return file;
}

export function basic(client: string, secret: string): string {
  return `Basic ${Buffer.from(`${client}:${secret}`).toString('base64')}`;
}

async function answerOf(answer: Response): Promise<Answer> {
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** A server for the tests of one file, and what an administrator does there. */
export async function administered() {
  const server = await TrialServer.start(await clientsFile([ADMIN]));
  afterAll(() => server.stop());
  const admin = await server.token();
  const put = (client: string, body: object, token = admin, headers = {}): Promise<Answer> =>
    server.call('PUT', `/v1/clients/${client}`, { token, body, headers });
  return {
    server,
    admin,
    put,
    /** A client with these permissions. @returns its secret */
    make: async (client: string, permissions: readonly string[]): Promise<string> => {
      const { status, body } = await put(client, { permissions });
      expect(status).toBe(201);
      return body.clientSecret as string;
    },
    isLetIn: async (token: string): Promise<boolean> => {
      const { status } = await server.call('GET', '/v1/stream', { token });
      expect([200, 401]).toContain(status);
      return status === 200;
    },
  };
}
