import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryControlLog, MemoryEventLog } from '@heddle/event';
import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LOOPBACK_SETTINGS } from './network/network-trial.js';
import { startGateway as startTrial } from './gateway-trial.js';
import type { Gateway } from './gateway.js';
import { callerFor } from './identity/identity-trial.js';
import { webhookShape } from './protocols/webhook/webhook.shape.js';
import type { IncomingEvent } from './incoming-event.js';
import { settings } from './settings.js';
import { TRIAL_MASTER_KEY } from './vault/vault-trial.js';

const TYPE = 'heddle.contract.v1.Contract.Signed.v1';

const ME = callerFor();

interface Arrival {
  id: string;
  key: string;
  attempt: number;
  redelivery: string;
}

describe('the gateway on logs in memory', () => {
  const registry = new MemorySchemaRegistry();
  let eventLog: MemoryEventLog;
  let controlLog: MemoryControlLog;
  let codec: AvroCodec;
  let catalogue: Catalogue;
  let gateway: Gateway;
  let server: Server;
  let hook: string;
  let arrivals: Arrival[];
  let answer: (arrival: Arrival) => number | Promise<number>;

  beforeEach(async () => {
    await registerSchemas(registry, await loadSchemaFiles('schemas'));
    codec = new AvroCodec(registry);
    catalogue = new Catalogue(registry, codec);
    await catalogue.refresh();
    eventLog = new MemoryEventLog({
      decode: ({ value, attributes }) =>
        attributes.datacontenttype === 'application/json'
          ? { data: JSON.parse(Buffer.from(value).toString()) as unknown }
          : codec.decode(value),
    });
    controlLog = new MemoryControlLog();
    gateway = await startGateway();
    arrivals = [];
    answer = () => 204;
    server = createServer((request, response) => {
      void read(request).then(async (arrival) => {
        arrivals.push(arrival);
        response.statusCode = await answer(arrival);
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    hook = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  });

  afterEach(async () => {
    await gateway.stop();
    catalogue.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function startGateway(): Promise<Gateway> {
    const values = settings.read({
      HEDDLE_MASTER_KEY: TRIAL_MASTER_KEY,
      ...LOOPBACK_SETTINGS,
      HEDDLE_RETRY_FIRST_MS: '20',
      HEDDLE_RETRY_CAP_MS: '40',
    });
    const { gateway: started } = await startTrial(values, { eventLog, controlLog, registry, codec, catalogue });
    return started;
  }

  async function publish(key: string, id: string): Promise<void> {
    const [outcome] = await gateway.publisher.publish(ME, [contractSigned(key, id)]);
    expect(outcome).toHaveProperty('position');
  }

  function contractSigned(key: string, id: string): IncomingEvent {
    const example = catalogue.get(TYPE)!.example as object;
    return { attributes: { id, source: '/test', type: TYPE }, data: { json: { ...example, Contract: key } } };
  }

  it('delivers what matches a webhook, in order per key', async () => {
    await gateway.webhooks.put(ME, 'hook', webhook([TYPE]));
    for (let n = 0; n < 20; n += 1) await publish(`K${n % 3}`, `e${n}`);
    await vi.waitFor(() => expect(arrivals).toHaveLength(20), { timeout: 10_000 });
    for (const key of ['K0', 'K1', 'K2']) {
      const numbers = arrivals.filter((arrival) => arrival.key === key).map(({ id }) => Number(id.slice(1)));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
    expect(arrivals[0]).toMatchObject({ attempt: 1, redelivery: 'no' });
  });

  it('hands nothing to a webhook of other types, and then what it does want', async () => {
    await gateway.webhooks.put(ME, 'hook', webhook(['heddle.contract.v1.Contract.DraftCreated.v1']));
    await publish('K', 'unwanted');
    await gateway.webhooks.put(ME, 'hook', webhook(['heddle.contract.*']));
    await publish('K', 'wanted');
    await vi.waitFor(() => expect(arrivals.map(({ id }) => id)).toEqual(['wanted']), { timeout: 10_000 });
  });

  it('tries again what failed, holding back later events of that key only', async () => {
    let failures = 3;
    answer = ({ key }) => (key === 'BAD' && failures-- > 0 ? 500 : 204);
    await gateway.webhooks.put(ME, 'hook', webhook([TYPE]));
    await publish('BAD', 'b1');
    await publish('BAD', 'b2');
    await publish('GOOD', 'g1');
    await vi.waitFor(() => expect(arrivals).toHaveLength(6), { timeout: 10_000 });
    expect(arrivals.filter(({ key }) => key === 'BAD').map(({ id, attempt }) => [id, attempt])).toEqual([
      ['b1', 1],
      ['b1', 2],
      ['b1', 3],
      ['b1', 4],
      ['b2', 1],
    ]);
    expect(arrivals.findIndex(({ id }) => id === 'g1')).toBeLessThan(arrivals.findIndex(({ id }) => id === 'b2'));
    expect(arrivals.filter(({ id }) => id === 'b1').map(({ redelivery }) => redelivery)).toEqual([
      'no',
      'yes',
      'yes',
      'yes',
    ]);
  });

  it('goes on after a restart where it was: nothing again that was accepted, nothing left out', async () => {
    answer = ({ id }) => (id === 'e3' ? 503 : 204);
    await gateway.webhooks.put(ME, 'hook', webhook([TYPE]));
    for (let n = 0; n < 6; n += 1) await publish(`K${n}`, `e${n}`);
    await vi.waitFor(() => expect(new Set(arrivals.map(({ id }) => id)).size).toBe(6), { timeout: 10_000 });
    await gateway.stop();
    arrivals.length = 0;
    answer = () => 204;
    gateway = await startGateway();
    await publish('K9', 'later');
    await vi.waitFor(() => expect(arrivals.map(({ id }) => id).sort()).toEqual(['e3', 'later']), { timeout: 10_000 });
    expect(arrivals.find(({ id }) => id === 'e3')?.attempt).toBeGreaterThan(1);
  });

  it('takes more than a queue holds, without losing any or leaving order, when the receiver is slow at first', async () => {
    const open = Promise.withResolvers<void>();
    answer = async () => {
      await open.promise;
      return 204;
    };
    await gateway.webhooks.put(ME, 'hook', webhook([TYPE]));
    const events = Array.from({ length: 6000 }, (_, n) => contractSigned(`K${n % 100}`, `e${n}`));
    await gateway.publisher.publish(ME, events);
    await vi.waitFor(() => expect(gateway.webhooks.get(ME, 'hook').view.statistics?.held).toBe(5000), {
      timeout: 10_000,
    });
    open.resolve();
    await vi.waitFor(() => expect(arrivals).toHaveLength(6000), { timeout: 20_000 });
    const last = new Map<string, number>();
    for (const { key, id } of arrivals) {
      expect(Number(id.slice(1))).toBeGreaterThan(last.get(key) ?? -1);
      last.set(key, Number(id.slice(1)));
    }
  }, 30_000);

  it('a deleted webhook is delivered nothing, and one of the same name inherits nothing', async () => {
    await gateway.webhooks.put(ME, 'hook', webhook([TYPE]));
    await publish('K', 'e1');
    await vi.waitFor(() => expect(arrivals).toHaveLength(1), { timeout: 10_000 });
    await gateway.webhooks.delete(ME, 'hook');
    await publish('K', 'e2');
    await gateway.webhooks.put(ME, 'hook', webhook([TYPE]));
    await publish('K', 'e3');
    await vi.waitFor(() => expect(arrivals.map(({ id }) => id)).toEqual(['e1', 'e3']), { timeout: 10_000 });
    expect(() => gateway.webhooks.get(ME, 'other')).toThrow('no webhook');
  });

  it('appends an event once that is published twice, also when both come at once', async () => {
    await gateway.webhooks.put(ME, 'hook', webhook([TYPE]));
    const [one, two] = await Promise.all([
      gateway.publisher.publish(ME, [contractSigned('K', 'same')]),
      gateway.publisher.publish(ME, [contractSigned('K', 'same')]),
    ]);
    expect([one[0], two[0]]).toMatchObject([{ duplicate: false }, { duplicate: true }]);
    await publish('K', 'next');
    await vi.waitFor(() => expect(arrivals.map(({ id }) => id)).toEqual(['same', 'next']), { timeout: 10_000 });
  });

  it('appends an event once that is published again after a restart', async () => {
    await publish('K', 'same');
    await gateway.stop();
    gateway = await startGateway();
    const [again] = await gateway.publisher.publish(ME, [contractSigned('K', 'same')]);
    expect(again).toMatchObject({ duplicate: true });
    const [other] = await gateway.publisher.publish(ME, [contractSigned('K', 'other')]);
    expect(other).toMatchObject({ duplicate: false });
  });

  it('names the field of what it refuses, and goes on with the others of a batch', async () => {
    const bad = contractSigned('K', 'bad');
    (bad.data as { json: Record<string, unknown> }).json.SignedAt = 'yesterday';
    const outcomes = await gateway.publisher.publish(ME, [
      bad,
      {
        ...contractSigned('K', 'x'),
        attributes: { id: 'x', source: '/test', type: 'heddle.contract.v1.Contract.Sined.v1' },
      },
      { ...contractSigned('K', 'y'), attributes: { id: 'y', source: '/test', type: TYPE, subject: 'other' } },
      {
        ...contractSigned('K', 'z'),
        attributes: { id: 'z', source: '/test', type: 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1' },
      },
      contractSigned('K', 'good'),
    ]);
    const summary = outcomes.map((outcome) =>
      'error' in outcome ? [outcome.error.code, outcome.error.field] : 'accepted',
    );
    expect(summary).toEqual([
      ['data-invalid', 'data.SignedAt'],
      ['type-unknown', expect.anything()],
      ['attribute-invalid', 'attributes.subject'],
      ['type-owned', 'attributes.type'],
      'accepted',
    ]);
  });

  function webhook(types: string[]) {
    return webhookShape.parse({ types, url: hook });
  }
});

async function read(request: IncomingMessage): Promise<Arrival> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const event = JSON.parse(Buffer.concat(chunks).toString()) as { id: string; subject: string };
  return {
    id: event.id,
    key: event.subject,
    attempt: Number(request.headers['heddle-attempt']),
    redelivery: String(request.headers['heddle-redelivery']),
  };
}
