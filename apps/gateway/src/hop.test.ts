import { type IncomingMessage, request as openRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Caller, guardRoutes } from '@heddle/auth';
import { slotOf } from '@heddle/event';
import { createLog } from '@heddle/runtime';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MESSAGING } from './event-mesh/sap-path.js';
import { HOP_HEADER, Hop } from './hop.js';
import { TrialGuard, callerFor } from './identity/identity-trial.js';

const ann = callerFor('acme', ['*'], 'ann');
const log = createLog('test', 'silent');

/** What the owner of a queue saw of a request. */
interface Seen {
  tenant: string | undefined;
  client: string | undefined;
  headers: Record<string, unknown>;
}

describe('a request for a queue of another instance', () => {
  const guard = new TrialGuard();
  /** Which slots the second instance owns. */
  let owned: Set<number>;
  let seen: Seen[];
  let urls: [string, string];
  let servers: [FastifyInstance, FastifyInstance];
  let hops: [Hop, Hop];

  beforeAll(async () => {
    servers = [Fastify(), Fastify()];
    for (const server of servers) guardRoutes(server, guard);
    const claim = { instance: 'i', epoch: 1 };
    hops = [0, 1].map(
      (index) =>
        new Hop(
          { webhook: () => undefined, ownerOf: () => ({ ...claim, address: urls[1] }) },
          { owns: (slot) => index === 1 && owned.has(slot) },
          `http://instance-${index}.test`,
          guard,
          log,
        ),
    ) as [Hop, Hop];
    servers.forEach((server, index) => {
      hops[index]!.attach(server);
      const config = { access: 'client' } as const;
      const answer = async ({ caller, headers }: Seen & { caller: Partial<Seen> | undefined }): Promise<object> => {
        seen.push({ tenant: caller?.tenant, client: caller?.client, headers });
        return { instance: index };
      };
      server.post('/v1/queues/:name/receive', { config }, (request) => answer(request as never));
      server.post('/v1/channels/:name/activate', { config }, (request) => answer(request as never));
      server.post(`${MESSAGING}/queues/:queue/messages/consumption`, { config }, (request) => answer(request as never));
      const open = { config: { access: 'public' } as const };
      server.get('/v1/webhooks/handshake/:token', open, (request) => answer(request as never));
      const between = { config: { access: 'instance' } as const };
      server.post('/v1/tenants/:tenant/queues/:name/letters', between, (request) => answer(request as never));
      server.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        try {
          const caller = guard.identifyUpgrade(request) as Caller;
          if (hops[index]!.pipe(caller, request, socket, head)) return;
          seen.push({ tenant: caller.tenant, client: caller.client, headers: request.headers });
          socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: trial\r\nconnection: upgrade\r\n\r\n');
        } catch {
          socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
        }
      });
    });
    urls = ['', ''];
    for (const [index, server] of servers.entries()) {
      await server.listen({ host: '127.0.0.1', port: 0 });
      urls[index] = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
    }
  });

  beforeEach(() => {
    owned = new Set([slotOf('acme', 'q'), slotOf('acme', 'hook')]);
    seen = [];
  });

  afterAll(async () => {
    for (const hop of hops) await hop.close();
    for (const server of servers) await server.close();
  });

  async function post(path: string, headers: Record<string, string>): Promise<{ status: number; json: unknown }> {
    const json = { 'content-type': 'application/json' };
    const answer = await fetch(urls[0] + path, { method: 'POST', headers: { ...headers, ...json }, body: '{}' });
    return { status: answer.status, json: await answer.json() };
  }

  it('is handed on with who asks, and without what it was asked with', async () => {
    const authorization = guard.bearerFor(ann);
    expect(await post('/v1/queues/q/receive', { authorization })).toEqual({ status: 200, json: { instance: 1 } });
    expect(seen).toMatchObject([{ tenant: 'acme', client: 'ann' }]);
    expect(seen[0]!.headers).not.toHaveProperty('authorization');
    expect(seen[0]!.headers[HOP_HEADER]).not.toBe(authorization);
  });

  it('at the doors of SAP Event Mesh is handed on, too', async () => {
    owned.add(slotOf('acme', 'a/b'));
    const authorization = guard.bearerFor(ann);
    const path = `${MESSAGING}/queues/a%2Fb/messages/consumption`;
    expect(await post(path, { authorization })).toEqual({ status: 200, json: { instance: 1 } });
    expect(seen).toMatchObject([{ tenant: 'acme', client: 'ann' }]);
  });

  it('as a channel is handed on like its queue', async () => {
    const authorization = guard.bearerFor(ann);
    expect(await post('/v1/channels/q/activate', { authorization })).toEqual({ status: 200, json: { instance: 1 } });
  });

  it('goes to the owner of the queue of its tenant', async () => {
    // The slot of nobody's `q` but that of acme is owned there.
    const here = { authorization: guard.bearerFor(callerFor('globex', ['*'])) };
    owned.delete(slotOf('globex', 'q'));
    expect(await post('/v1/queues/q/receive', here)).toMatchObject({ status: 503, json: { code: 'queue-elsewhere' } });
    expect(seen).toEqual([]);
    expect(await post('/v1/queues/q/receive', { authorization: guard.bearerFor(ann) })).toMatchObject({ status: 200 });
  });

  it('is handed on once at most', async () => {
    owned.clear();
    const answer = await post('/v1/queues/q/receive', { authorization: guard.bearerFor(ann) });
    expect(answer).toMatchObject({ status: 503, json: { code: 'queue-elsewhere' } });
    expect(seen).toEqual([]);
  });

  it('is refused when a client says of itself that it was handed on', async () => {
    const refused = { status: 401, json: { code: 'token-invalid' } };
    for (const hop of ['1', 'true', 'trial.999.token']) {
      const headers = { authorization: guard.bearerFor(ann), [HOP_HEADER]: hop };
      expect(await post('/v1/queues/q/receive', headers)).toMatchObject(refused);
      const open = await fetch(`${urls[0]}/v1/webhooks/handshake/acme.hook.${'a'.repeat(43)}`, { headers });
      expect(open.status).toBe(401);
    }
    expect(seen).toEqual([]);
  });

  it('may be of nobody, where everybody may come in: then the instance itself asks', async () => {
    const answer = await fetch(`${urls[0]}/v1/webhooks/handshake/acme.hook.${'a'.repeat(43)}`);
    expect(await answer.json()).toEqual({ instance: 1 });
    expect(seen[0]!.headers[HOP_HEADER]).toBeDefined();
  });

  it('is joined with the owner when it is an upgrade, with who asks', async () => {
    const headers = { connection: 'upgrade', upgrade: 'trial', authorization: guard.bearerFor(ann) };
    const socket = await new Promise<Duplex>((resolve, reject) => {
      const asked = openRequest(`${urls[0]}/v1/queues/q/connect`, { headers });
      asked.on('upgrade', (_response, upgraded) => resolve(upgraded));
      asked.on('error', reject);
      asked.end();
    });
    socket.destroy();
    expect(seen).toMatchObject([{ tenant: 'acme', client: 'ann' }]);
    expect(seen[0]!.headers).not.toHaveProperty('authorization');
  });

  it('of an instance of its own accord is let in where only instances are, and no client is', async () => {
    const path = '/v1/tenants/acme/queues/q/letters';
    await hops[0].post('acme', 'q', path, {});
    expect(seen).toHaveLength(1);
    const answer = await fetch(urls[1] + path, { method: 'POST', headers: { authorization: guard.bearerFor(ann) } });
    expect(answer.status).toBe(403);
    expect(seen).toHaveLength(1);
  });
});
