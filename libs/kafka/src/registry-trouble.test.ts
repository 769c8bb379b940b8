import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ReadBatch } from '@heddle/event';
import { AvroCodec, ConfluentSchemaRegistry } from '@heddle/schema';
import type { KafkaMessage } from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { PartitionIntake } from './partition-intake.js';
import { headersOf } from './record.js';

const KNOWN = 1;
const UNKNOWN = 2;
const SCHEMA = JSON.stringify({ type: 'record', name: 'Test', fields: [{ name: 'n', type: 'int' }] });
const TIMEOUT_MS = 400;
const TROUBLE_MS = 2600;

type Manner = (response: ServerResponse) => void;

const json =
  (status: number, body: string): Manner =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' }).end(body);
  };
const fine = json(200, JSON.stringify({ schema: SCHEMA }));
const page =
  (status: number): Manner =>
  (response) => {
    response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>Somebody else</h1>');
  };

/** A registry that answers as it is told, and knows when it was asked for which schema. */
class Registry {
  manner: Manner = fine;
  readonly lookUps: { id: number; at: number }[] = [];
  readonly #server: Server = createServer((request, response) => {
    const id = Number(/\/schemas\/ids\/(\d+)/.exec(request.url ?? '')?.[1]);
    this.lookUps.push({ id, at: performance.now() });
    this.manner(response);
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** The times between look-ups of an id. */
  pauses(id: number): number[] {
    const times = this.lookUps.filter((each) => each.id === id).map(({ at }) => at);
    return times.slice(1).map((at, index) => at - (times[index] ?? 0));
  }
}

async function start(onTestFinished: (close: () => void) => void) {
  const registry = new Registry();
  const url = await registry.start();
  const codec = new AvroCodec(new ConfluentSchemaRegistry({ url, timeoutMs: TIMEOUT_MS }));
  await codec.load(KNOWN);
  const handed: string[] = [];
  const aside: string[] = [];
  // Two partitions: what one has asked for, the other does not ask for again.
  const intakes = [0, 1].map(
    (partition) =>
      new PartitionIntake({
        topic: 't',
        partition,
        from: 0,
        decoder: codec,
        hand: ({ events }: ReadBatch) => void handed.push(...events.map(({ key, offset }) => `${key}${offset}`)),
        setAside: ({ offset }, { reason }) => aside.push(`${offset} ${reason}`),
        bounds: () => Promise.resolve({ partition, earliest: 0, end: 1000 }),
        onGap: () => undefined,
        flow: () => undefined,
        log: () => undefined,
      }),
  );
  onTestFinished(() => {
    registry.stop();
    for (const intake of intakes) intake.stop();
  });
  const push = (partition: number, ...messages: KafkaMessage[]): void => {
    const [first, last] = [Number(messages[0]?.offset), Number(messages.at(-1)?.offset)];
    intakes[partition]?.push({ topic: 't', partition, messages, first, next: last + 1, end: last + 1 });
  };
  return { registry, codec, handed, aside, push };
}

function message(offset: number, key: string, schemaId: number): KafkaMessage {
  const value = Buffer.from([0, 0, 0, 0, schemaId, 2]);
  const attributes = { id: String(offset), source: '/t', type: 'a.b', datacontenttype: 'application/avro' };
  return {
    key: Buffer.from(key),
    value,
    offset: String(offset),
    timestamp: '0',
    attributes: 0,
    headers: Object.fromEntries(
      Object.entries(headersOf({ attributes, value })).map(([name, held]) => [name, Buffer.from(held as string)]),
    ),
  };
}

describe.concurrent('while the schema registry', () => {
  it.for<[string, Manner]>([
    ['answers with status 500', json(500, '{"error_code":50001,"message":"no"}')],
    ['answers with what is no JSON', json(200, '{"schema": "{')],
    ['answers with JSON that is no schema', json(200, '{"hello":"world"}')],
    ['is a page of somebody else', page(200)],
    ['is away, and a page of somebody else says so', page(503)],
    ['refuses the token', json(401, '{"error_code":401,"message":"no"}')],
    ['takes the request and never answers', () => undefined],
    ['closes the connection', (response) => void response.destroy()],
  ])(
    '%s, known schemas go on, the unknown wait, and none is looked up more than once a second',
    async ([, manner], { onTestFinished }) => {
      const { registry, handed, aside, push } = await start(onTestFinished);
      registry.manner = manner;
      push(0, message(0, 'a', KNOWN), message(1, 'b', UNKNOWN), message(2, 'a', KNOWN), message(3, 'b', KNOWN));
      push(1, message(0, 'c', UNKNOWN), message(1, 'd', KNOWN));
      await delay(TROUBLE_MS / 2);
      push(0, message(4, 'a', KNOWN));
      await delay(TROUBLE_MS / 2);
      expect(handed.toSorted()).toEqual(['a0', 'a2', 'a4', 'd1']);
      expect(aside).toEqual([]);
      expect(registry.pauses(KNOWN)).toEqual([]);
      const pauses = registry.pauses(UNKNOWN);
      expect(pauses.length).toBeGreaterThanOrEqual(1);
      // Timers may be a few milliseconds early by the clock that measures them here.
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(980);
      registry.manner = fine;
      await vi.waitFor(() => expect(handed).toHaveLength(7), { timeout: 10_000 });
      expect(handed.filter((each) => each.startsWith('b'))).toEqual(['b1', 'b3']);
      expect(aside).toEqual([]);
    },
  );
});

it('a schema that the registry itself says it does not have is set aside, and the partition goes on', async ({
  onTestFinished,
}) => {
  const { registry, handed, aside, push } = await start(onTestFinished);
  registry.manner = json(404, '{"error_code":40403,"message":"Schema 2 not found"}');
  push(0, message(0, 'a', UNKNOWN), message(1, 'a', KNOWN));
  await vi.waitFor(() => expect(handed).toEqual(['a1']), { timeout: 10_000 });
  expect(aside).toEqual(['0 schema-unknown']);
});
