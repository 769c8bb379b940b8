import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** Below the ports that systems give to outgoing connections: whoever is restarted on its port finds it free. */
const FIRST_PORT = 20_000;
const PORTS_OF_EACH = 64;
const PLACES = 180;
let given = 0;

/**
 * A TCP port that nobody listens on now. It is not reserved: use it soon. Processes that ask at the same time are given
 * different ones, for each begins at a place of its own.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS_OF_EACH; tries += 1) {
    const port = FIRST_PORT + (process.pid % PLACES) * PORTS_OF_EACH + (given % PORTS_OF_EACH);
    given += 1;
    if (await isPortFree(port)) return port;
  }
  throw new Error(`None of ${PORTS_OF_EACH} ports is free.`);
}

/** Several free ports, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

/** Whether a server could listen on this port of the loopback address. */
export async function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Resolves once something accepts connections there. */
export async function waitForPort(port: number, options: WaitOptions = {}): Promise<void> {
  await until(`nothing listens on port ${port}`, options, () => accepts(port));
}

/** Resolves once a GET is answered with a 2xx status. */
export async function waitForHttp(url: string, options: WaitOptions = {}): Promise<void> {
  let last = 'no answer';
  await until(
    () => `${url} is not ready (${last})`,
    options,
    async () => {
      try {
        const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
        last = `${answer.status}: ${(await answer.text()).slice(0, 300)}`;
        return answer.ok;
      } catch {
        return false;
      }
    },
  );
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function until(
  complaint: string | (() => string),
  { timeoutMs = 60_000, signal }: WaitOptions,
  holds: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (signal?.aborted) return;
    if (performance.now() > deadline) {
      throw new Error(
        `After ${Math.round(timeoutMs / 1000)} s ${typeof complaint === 'string' ? complaint : complaint()}.`,
      );
    }
    await delay(50);
  }
}
