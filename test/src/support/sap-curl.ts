import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SCRIPTS = new URL('../../interop/curl/', import.meta.url).pathname;
const MAX_OUTPUT = 4 * 1024 * 1024;

/** What a script printed: the status, and what was answered. */
export interface CurlAnswer {
  status: number;
  text: string;
  json: unknown;
}

/** A consumed message, as curl shows it. */
export interface CurlMessage {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** The service key of SAP Event Mesh, as far as a client of its REST doors reads it. */
export interface SapKey {
  namespace: string;
  management: { oa2: SapCredentials; uri: string }[];
  messaging: { oa2: SapCredentials; protocol: string[]; uri: string }[];
}

interface SapCredentials {
  clientid: string;
  clientsecret: string;
  tokenendpoint: string;
}

/** A client that is nothing but shell and curl, and knows nothing of us but its service key. */
export class SapCurl {
  private constructor(
    private readonly directory: string,
    private readonly environment: Record<string, string>,
  ) {}

  /** @param edition the base path of the management, which differs between the editions of SAP's own */
  static async open(key: SapKey, edition = '/hub/rest/api/v1/management/messaging'): Promise<SapCurl> {
    const { oa2, uri } = key.messaging.find(({ protocol }) => protocol.includes('httprest'))!;
    const environment = {
      PATH: process.env['PATH'] ?? '',
      TOKEN_URL: oa2.tokenendpoint,
      CLIENT_ID: oa2.clientid,
      CLIENT_SECRET: oa2.clientsecret,
      REST: uri,
      MANAGEMENT: key.management[0]!.uri + edition,
    };
    const client = new SapCurl(await mkdtemp(join(tmpdir(), 'heddle-curl-')), environment);
    await client.token('get');
    return client;
  }

  async close(): Promise<void> {
    await rm(this.directory, { recursive: true });
  }

  /** Gets a token in one of the ways, and goes on with it. */
  async token(way: 'get' | 'basic' | 'body'): Promise<string> {
    const { stdout } = await this.#run('token.sh', [way]);
    if (stdout.length === 0) throw new Error(`no token by ${way}`);
    this.environment['TOKEN'] = stdout.toString();
    return stdout.toString();
  }

  async publish(
    kind: 'queues' | 'topics',
    name: string,
    body: string | Uint8Array,
    { type = 'application/json', options = [] }: { type?: string; options?: string[] } = {},
  ): Promise<CurlAnswer> {
    const file = await this.#file(body);
    return answerOf((await this.#run('publish.sh', [kind, name, type, file, ...options])).stdout);
  }

  async event(type: string, body: string, options: string[] = []): Promise<CurlAnswer> {
    return answerOf((await this.#run('event.sh', [type, await this.#file(body), ...options])).stdout);
  }

  async consume(queue: string, qos: string = '1'): Promise<CurlMessage> {
    const { stdout } = await this.#run('consume.sh', [queue, qos]);
    const end = stdout.indexOf('\r\n\r\n');
    const [first = '', ...lines] = stdout.subarray(0, end).toString().split('\r\n');
    const headers = lines.map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const;
    });
    return {
      status: Number(first.split(' ')[1]),
      headers: Object.fromEntries(headers),
      body: stdout.subarray(end + 4),
    };
  }

  async acknowledge(queue: string, id: string): Promise<number> {
    return (await this.acknowledged(queue, id)).status;
  }

  async acknowledged(queue: string, id: string): Promise<CurlAnswer> {
    return answerOf((await this.#run('acknowledge.sh', [queue, id])).stdout);
  }

  /** Goes on with another token, or one that is none. */
  use(token: string): void {
    this.environment['TOKEN'] = token;
  }

  async queue(method: string, path: string, body?: object): Promise<CurlAnswer> {
    return answerOf((await this.#run('queue.sh', [method, path, ...jsonOf(body)])).stdout);
  }

  async subscription(
    method: string,
    path: string,
    body?: object,
    door: 'messagingrest/v1' | 'sap/ems/v1/events' = 'messagingrest/v1',
  ): Promise<CurlAnswer> {
    return answerOf((await this.#run('subscription.sh', [method, door, path, ...jsonOf(body)])).stdout);
  }

  async #file(body: string | Uint8Array): Promise<string> {
    const file = join(this.directory, 'body');
    await writeFile(file, body);
    return file;
  }

  #run(script: string, args: readonly string[]): Promise<{ stdout: Buffer }> {
    const options = { env: this.environment, encoding: 'buffer', maxBuffer: MAX_OUTPUT } as const;
    return run('sh', [join(SCRIPTS, script), ...args], options);
  }
}

function jsonOf(body: object | undefined): string[] {
  return body === undefined ? [] : [JSON.stringify(body)];
}

function answerOf(output: Buffer): CurlAnswer {
  const [status, ...rest] = output.toString().split('\n');
  const text = rest.join('\n');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: Number(status), text, json };
}
