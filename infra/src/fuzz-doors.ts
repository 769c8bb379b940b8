import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CHECKOUT } from './checkout.mjs';

/** What is asked elsewhere: streams do not end, and wrong secrets would shut out the client that all is asked as. */
const LEFT_OUT = ['/v1/stream', '/v1/queues/{name}/connect', '/oauth/token'];
const SETTINGS = join(CHECKOUT, 'infra', 'fuzz');
const TYPE = 'heddle.contract.v1.Contract.Signed.v1';

export interface FuzzOptions {
  /** Schemathesis, as `fetchSchemathesis` gives it. */
  program: string;
  /** The gateway. */
  url: string;
  token: string;
  seed: number;
  /** Cases tried for each operation in each phase; the coverage phase comes on top, with about 60 of each. */
  examples: number;
  /** All when left out. */
  phases?: string;
  /** Hears what it says, as it says it. */
  onOutput?: (text: string) => void;
}

export interface FuzzReport {
  requests: number;
  /** It has found nothing. */
  passed: boolean;
  output: string;
}

/** Asks every operation of the OpenAPI document, well and badly, and checks that all is answered as the document says. */
export async function fuzzDoors({ program, url, token, onOutput, ...options }: FuzzOptions): Promise<FuzzReport> {
  const sink = createServer((request, response) => {
    request.resume();
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  try {
    await makeThings(url, token, `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`);
    const child = spawn(program, argumentsOf(url, token, options), {
      cwd: CHECKOUT,
      env: { ...process.env, SCHEMATHESIS_HOOKS: join(SETTINGS, 'hooks.py'), PYTHONDONTWRITEBYTECODE: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = (): void => void child.kill('SIGKILL');
    process.once('exit', ended);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        onOutput?.(text);
      });
    }
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    process.removeListener('exit', ended);
    const requests = Number(/^ *([\d,]+) generated/m.exec(output)?.[1]?.replaceAll(',', '') ?? 0);
    return { requests, passed: code === 0, output };
  } finally {
    sink.closeAllConnections();
    sink.close();
  }
}

function argumentsOf(
  url: string,
  token: string,
  { seed, examples, phases = 'examples,coverage,fuzzing,stateful' }: Pick<FuzzOptions, 'seed' | 'examples' | 'phases'>,
): string[] {
  return [
    ...['--config-file', join(SETTINGS, 'schemathesis.toml')],
    'run',
    `${url}/openapi.json`,
    ...['--header', `Authorization: Bearer ${token}`],
    ...['--phases', phases],
    ...['--seed', String(seed)],
    ...['--max-examples', String(examples)],
    ...['--generation-database', 'none'],
    ...['--request-timeout', '20'],
    '--continue-on-failure',
    '--no-color',
    ...LEFT_OUT.flatMap((path) => ['--exclude-path', path]),
  ];
}

/** Something of everything, so that requests meet more than what is not there. */
async function makeThings(url: string, token: string, sink: string): Promise<void> {
  const put = async (method: string, path: string, body: unknown, type = 'application/json'): Promise<void> => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${text}`);
  };
  await put('PUT', '/v1/queues/fuzz', { types: [TYPE], retry: { attempts: 1, firstMs: 1, capMs: 1, factor: 1 } });
  await put('PUT', '/v1/webhooks/fuzz-hook', { types: [TYPE], url: sink });
  await put('PUT', '/v1/clients/fuzz', { permissions: [`publish:type:${TYPE}`] });
  const answer = await fetch(`${url}/v1/catalogue/${TYPE}`, { headers: { authorization: `Bearer ${token}` } });
  const { example: data } = (await answer.json()) as { example: unknown };
  const event = { specversion: '1.0', id: 'fuzz', source: '/fuzz', type: TYPE, data };
  await put('POST', '/v1/events', event, 'application/cloudevents+json');
}
