import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ConfluentSchemaRegistry } from './confluent-schema-registry.js';
import type { SchemaRegistry } from './schema-registry.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function registryThat(answer: RequestListener): Promise<{ registry: SchemaRegistry; server: Server }> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { registry: new ConfluentSchemaRegistry({ url: `http://127.0.0.1:${port}`, timeoutMs: 200 }), server };
}

const CALLS: readonly [string, (registry: SchemaRegistry) => Promise<unknown>][] = [
  ['byId', (registry) => registry.byId(1)],
  ['latest', (registry) => registry.latest('any')],
  ['subjects', (registry) => registry.subjects()],
  ['check', (registry) => registry.check('any', 'string')],
  ['register', (registry) => registry.register('any', 'string')],
  ['ping', (registry) => registry.ping()],
];
const UNAVAILABLE = { code: 'registry-unavailable', retryable: true };

describe('a registry that is away', () => {
  it.each(CALLS)('is retryable when the port is closed: %s', async (_name, call) => {
    const { registry, server } = await registryThat(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    await expect(call(registry)).rejects.toMatchObject(UNAVAILABLE);
  });

  it.each(CALLS)('is retryable when it accepts and never answers: %s', async (_name, call) => {
    const { registry } = await registryThat(() => undefined);
    await expect(call(registry)).rejects.toMatchObject(UNAVAILABLE);
  });

  it.each(CALLS)('is retryable when it answers with an error of its own: %s', async (_name, call) => {
    const { registry } = await registryThat((_request, response) => {
      response.writeHead(500, { 'content-type': 'application/json' }).end('{"error_code":50001,"message":"inside"}');
    });
    await expect(call(registry)).rejects.toMatchObject(UNAVAILABLE);
  });

  it.each(CALLS)('is retryable when something else answers in its place: %s', async (_name, call) => {
    const { registry } = await registryThat((_request, response) => response.end('<html>Welcome</html>'));
    await expect(call(registry)).rejects.toMatchObject(UNAVAILABLE);
  });

  it('is asked again after it has come back, a second later', async () => {
    let up = false;
    const { registry } = await registryThat((_request, response) => {
      response.end(up ? '{"schema":"\\"string\\""}' : 'starting');
    });
    await expect(registry.byId(7)).rejects.toMatchObject(UNAVAILABLE);
    up = true;
    await vi.waitFor(async () => expect(await registry.byId(7)).toBe('string'), { timeout: 10_000 });
  });
});

describe('a registry that answers', () => {
  it('has schemas that are not Avro: they are refused for good, not tried again', async () => {
    const { registry } = await registryThat((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ schemaType: 'JSON', schema: '{"type":"object"}' }));
    });
    await expect(registry.byId(7)).rejects.toMatchObject({ code: 'schema-invalid', retryable: false });
  });
});
