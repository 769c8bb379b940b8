import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HeddleError } from '@heddle/event';
import type { AvroSchema } from './avro-schema.js';
import type { CompatibilityMode } from './compatibility.js';
import type { SchemaReference } from './schema-references.js';
import { MemorySchemaRegistry } from './memory-schema-registry.js';

/** How a registry misbehaves: its answer, or none at all. */
export type Fault = (response: ServerResponse, request: IncomingMessage) => void;

const BASE_PATH = '/apis/ccompat/v7';

/** A registry in memory behind Confluent's HTTP API, which counts its requests and misbehaves when told to. */
export class RegistryTrial {
  readonly memory = new MemorySchemaRegistry();
  /** Every request so far: `GET /schemas/ids/1`. */
  readonly requests: string[] = [];
  fault: Fault | undefined;
  /** What the header `authorization` has to be; anything when undefined. */
  authorization: string | undefined;

  /** Set before the first version of a subject is there. */
  readonly #modes = new Map<string, CompatibilityMode>();

  private constructor(private readonly server: Server) {}

  /** @param port a free one when nothing is said */
  static async start(port = 0): Promise<RegistryTrial> {
    const server = createServer();
    const trial = new RegistryTrial(server);
    server.on('request', (request, response) => void trial.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return trial;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${BASE_PATH}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').replace(BASE_PATH, '').replace(/\?.*/, '');
    this.requests.push(`${request.method} ${path}`);
    if (this.fault !== undefined) return this.fault(response, request);
    const [status, body] = await this.#respond(request, path).catch(refusalOf);
    response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' });
    response.end(JSON.stringify(body));
  }

  async #respond(request: IncomingMessage, path: string): Promise<[number, unknown]> {
    if (this.authorization !== undefined && request.headers.authorization !== this.authorization)
      return [401, { error_code: 40101, message: 'Unauthorized' }];
    const parts = path.split('/').slice(1).map(decodeURIComponent);
    const subject = parts[parts[0] === 'compatibility' ? 2 : 1] ?? '';
    const what = `${request.method} ${parts[0]}/${parts.length}`;
    switch (what) {
      case 'GET config/1':
        return [200, { compatibilityLevel: 'BACKWARD' }];
      case 'GET config/2': {
        const mode = this.#modes.get(subject) ?? (await this.memory.mode(subject));
        return mode === undefined
          ? [404, { error_code: 40408, message: 'no mode of its own' }]
          : [200, { compatibilityLevel: mode }];
      }
      case 'PUT config/2': {
        const { compatibility } = (await bodyOf(request)) as { compatibility: CompatibilityMode };
        this.#modes.set(subject, compatibility);
        return [200, { compatibility }];
      }
      case 'GET subjects/1':
        return [200, await this.memory.subjects()];
      case 'GET subjects/3': {
        const versions = await this.memory.versions(subject);
        return versions.length === 0 ? missing(40401) : [200, versions.map(({ version }) => version)];
      }
      case 'GET subjects/4': {
        const versions = await this.memory.versions(subject);
        const found =
          parts[3] === 'latest' ? versions.at(-1) : versions.find(({ version }) => version === Number(parts[3]));
        return found === undefined
          ? missing(40402)
          : [200, { subject, ...found, schema: JSON.stringify(found.schema) }];
      }
      case 'POST subjects/3': {
        const { schema, references } = (await bodyOf(request)) as { schema: string; references?: SchemaReference[] };
        const written = JSON.parse(schema) as AvroSchema;
        return [200, { id: await this.memory.register(subject, written, this.#modes.get(subject), references) }];
      }
      case 'POST compatibility/4': {
        const { schema } = (await bodyOf(request)) as { schema: string };
        if ((await this.memory.versions(subject)).length === 0) return missing(40401);
        const { compatible } = await this.memory.check(subject, JSON.parse(schema) as AvroSchema);
        return [200, { is_compatible: compatible }];
      }
      case 'GET schemas/3':
        return [200, { schema: JSON.stringify(await this.memory.byId(Number(parts[2]))) }];
      default:
        return [405, { error_code: 405, message: what }];
    }
  }
}

function missing(code: number): [number, unknown] {
  return [404, { error_code: code, message: 'not found' }];
}

function refusalOf(error: unknown): [number, unknown] {
  const code = error instanceof HeddleError ? error.code : 'internal';
  const status = { 'schema-unknown': 404, 'schema-incompatible': 409, 'schema-invalid': 422 }[code as string] ?? 500;
  return [status, { error_code: status * 100 + 3, message: String(error) }];
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString());
}
