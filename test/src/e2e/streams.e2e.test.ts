import { connect } from 'node:net';
import { readFile } from 'node:fs/promises';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { allOf } from '../support/arrivals.js';
import { CONTRACT_SIGNED, type CloudEvent } from '../support/cloud-event.js';
import { deleteAllRecords } from '../support/delete-records.js';
import { foreignKafka } from '../support/foreign-kafka.js';
import { call } from '../support/http-call.js';
import { authorizationFor } from '../support/keyring.js';
import { Mesh } from '../support/mesh.js';
import { freshKey } from '../support/orders.js';
import { contractEvent, publishBatch } from '../support/publishing.js';
import { type StreamClient, afterOpened, openSse, openWebSocket } from '../support/stream-clients.js';

let mesh: Mesh;
let gateway: string;

beforeAll(async () => {
  mesh = await Mesh.start({
    ground: inject('stack'),
    apps: ['gateway'],
    // A short memory, so that streams are served from the log, too.
    env: { gateway: { HEDDLE_TAIL_EVENTS: '400', HEDDLE_TAIL_BYTES: '1000000' } },
  });
  gateway = mesh.url('gateway');
});

afterAll(() => mesh.stop());

const doors = [
  { door: 'WebSocket', open: openWebSocket },
  { door: 'SSE', open: openSse },
] as const;

describe.each(doors)('a stream over $door', ({ open }) => {
  test('goes on after a restart of the gateway where it was: nothing missed, nothing twice, in order per key', async () => {
    const keys = Array.from({ length: 5 }, () => `C-${freshKey()}`);
    const first = await open(gateway, { types: CONTRACT_SIGNED });
    await first.events.until((events) => events.length > 0);
    const before = await publishMany(keys, 6);
    await receives(first, before);
    // It leaves in the middle of what it was given, and comes back with the token of where it was.
    const seen = ownOf(first, keys);
    first.close();
    const missed = await publishMany(keys, 100);
    await restart();
    const again = await open(gateway, resumeAt(first));
    await receives(again, missed);
    const live = await publishMany(keys, 2);
    await receives(again, live);
    expect(again.events.all[0]).toMatchObject({ data: { resumed: 'exact', gaps: [] } });
    const all = [...seen, ...ownOf(again, keys)];
    for (const key of keys) {
      const ids = all.filter(({ subject }) => subject === key).map(({ id }) => id);
      expect(ids).toEqual([...before, ...missed, ...live].filter(({ subject }) => subject === key).map(({ id }) => id));
    }
    again.close();

    function resumeAt(stream: StreamClient): { types: string; resume: string } {
      return { types: CONTRACT_SIGNED, resume: stream.token };
    }
  });

  test('begins with the first event the log keeps, when asked to', async () => {
    const events = await publishMany([`C-${freshKey()}`], 20);
    const stream = await open(gateway, { types: CONTRACT_SIGNED, start: 'earliest' });
    await receives(stream, events);
    const [opened, ...rest] = stream.events.all;
    expect(opened).toMatchObject({ data: { resumed: 'exact', gaps: [] } });
    expect(rest.length).toBeGreaterThanOrEqual(events.length);
    stream.close();
  });

  test('says truthfully what is gone, when the log no longer keeps all that is asked for', async () => {
    const keys = Array.from({ length: 4 }, () => `C-${freshKey()}`);
    const stream = await open(gateway, { types: CONTRACT_SIGNED });
    await stream.events.until((events) => events.length > 0);
    await receives(stream, await publishMany([...keys], 1));
    const { token } = stream;
    stream.close();
    await publishMany(keys, 150);
    await deleteAllRecords(foreignKafka(inject('stack').kafkaBrokers), 'contract');
    await restart();
    const kept = await publishMany(keys, 2);
    const again = await open(gateway, { types: CONTRACT_SIGNED, resume: token });
    await receives(again, kept);
    const [opened, ...rest] = again.events.all;
    const { resumed, gaps } = opened!.data as { resumed: string; gaps: { topic: string; from: number; to: number }[] };
    expect(resumed).toBe('truncated');
    expect(gaps.every(({ topic, from, to }) => topic === 'contract' && from < to)).toBe(true);
    expect(gaps.reduce((lost, { from, to }) => lost + to - from, 0)).toBe(600);
    expect(rest.map(({ id }) => id).sort()).toEqual(kept.map(({ id }) => id).sort());
    const earliest = await open(gateway, { types: CONTRACT_SIGNED, start: 'earliest' });
    await receives(earliest, kept);
    expect(earliest.events.all[0]).toMatchObject({ data: { resumed: 'exact', gaps: [] } });
    for (const one of [again, earliest]) one.close();
  });
});

test('streams that are not read neither delay others nor grow the gateway without bound, and get everything once they are read', async () => {
  const key = `C-${freshKey()}`;
  const quick = await openWebSocket(gateway, { types: CONTRACT_SIGNED });
  // Of their own wishes, so that they share no bytes.
  const slow = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      doors[index % 2]!.open(gateway, { types: `${CONTRACT_SIGNED},heddle.other.${index}` }),
    ),
  );
  for (const stream of [quick, ...slow]) await stream.events.until((events) => events.length > 0);
  for (const stream of slow) stream.pause();
  const lagsBefore = await metric('heddle_stream_lags');
  const bulk = Object.fromEntries(['bulka', 'bulkb', 'bulkc'].map((name) => [name, 'x'.repeat(4096)]));
  // The first part fills what may be filled: the network, the queues of all streams, the memory of recent events.
  const events = await publishMany([key], 1200, bulk);
  await receives(quick, events);
  expect((await metric('heddle_stream_lags')) - lagsBefore).toBe(slow.length);
  expect(await metric('heddle_streams_live')).toBe(1);
  const filled = await residentBytes();
  // 25 MB for each that does not read: 300 MB, if they were kept for each. What is not collected yet of the young
  // generation alone may be 96 MB (--max-semi-space-size=32).
  events.push(...(await publishMany([key], 2000, bulk)));
  await receives(quick, events);
  expect((await residentBytes()) - filled).toBeLessThan(190_000_000);
  for (const stream of slow) expect(ownOf(stream, [key]).length).toBeLessThan(events.length);
  for (const stream of slow) stream.resume();
  for (const stream of slow) {
    await receives(stream, events);
    expect(ownOf(stream, [key]).map(({ id }) => id)).toEqual(events.map(({ id }) => id));
  }
  const after = await publishMany([key], 1);
  for (const stream of [quick, ...slow]) await receives(stream, after);
  for (const stream of [quick, ...slow]) stream.close();
});

test('an SSE client that comes back by itself, with Last-Event-ID, goes on after that event', async () => {
  const keys = [`C-${freshKey()}`, `C-${freshKey()}`];
  const first = await openSse(gateway, { types: CONTRACT_SIGNED, start: 'now' });
  await first.events.until((events) => events.length > 0);
  await receives(first, await publishMany(keys, 2));
  first.close();
  const missed = await publishMany(keys, 3);
  const again = await openSse(gateway, { types: CONTRACT_SIGNED, start: 'now' }, first.token);
  await receives(again, missed);
  expect(afterOpened(again)).toHaveLength(missed.length);
  again.close();
});

describe('what a stream is refused for', () => {
  test('a parameter nobody knows, a start that is none, a token that cannot be read, a wildcard inside a type', async () => {
    for (const [query, field] of [
      ['type=a', 'type'],
      ['start=yesterday', 'start'],
      ['resume=h1~contract', 'resume'],
      ['types=a*b', 'types'],
    ]) {
      const answer = await call('GET', `${gateway}/v1/stream?${query}`);
      expect(answer.json, query).toMatchObject({ status: 400, code: 'parameter-invalid', field });
      expect(await upgrade(`/v1/stream?${query}`)).toMatchObject({
        status: 400,
        problem: { code: 'parameter-invalid', field },
      });
    }
  });

  test('a WebSocket of a page from elsewhere, while one of this machine is let in', async () => {
    const refused = await upgrade('/v1/stream', { origin: 'https://evil.example' });
    expect(refused).toMatchObject({ status: 403, problem: { code: 'origin-refused', field: 'origin' } });
    expect(await upgrade('/v1/stream', { origin: 'http://localhost:3000' })).toMatchObject({ status: 101 });
  });

  test('a WebSocket without the subprotocol, and one at another path', async () => {
    const other = await upgrade('/v1/stream', { 'sec-websocket-protocol': 'chat' });
    expect(other).toMatchObject({ status: 400, problem: { field: 'sec-websocket-protocol' } });
    expect(await upgrade('/v1/streams')).toMatchObject({ status: 404 });
  });

  test('a client that talks on a stream is let go, and others stay', async () => {
    const stays = await openWebSocket(gateway, { types: CONTRACT_SIGNED });
    const talks = new WebSocket(`${gateway.replace('http', 'ws')}/v1/stream`, 'cloudevents.json', {
      headers: await authorizationFor(gateway),
    });
    const code = new Promise((resolve) => talks.once('close', resolve));
    talks.once('open', () => talks.send('{"subscribe":"everything"}'));
    expect(await code).toBe(1003);
    await receives(stays, await publishMany([`C-${freshKey()}`], 1));
    stays.close();
  });
});

/** Publishes as many events per key, in turn; resolves with them in the order of each key. */
async function publishMany(
  keys: readonly string[],
  ofEach: number,
  attributes: Record<string, string> = {},
): Promise<CloudEvent[]> {
  const events = Array.from({ length: ofEach }, () => keys)
    .flat()
    .map((key) => contractEvent(key, { subject: key, ...attributes }));
  for (let at = 0; at < events.length; at += 50) {
    const answer = await publishBatch(gateway, events.slice(at, at + 50));
    expect(answer.status, answer.text.slice(0, 300)).toBe(202);
  }
  return events as unknown as CloudEvent[];
}

async function receives(stream: StreamClient, events: readonly CloudEvent[]): Promise<void> {
  const ids = events.map(({ id }) => id);
  await stream.events.until(
    allOf(ids, ({ id }) => id),
    { timeoutMs: 30_000, what: 'all events of a stream' },
  );
}

function ownOf(stream: StreamClient, keys: readonly string[]): CloudEvent[] {
  return afterOpened(stream).filter(({ subject }) => keys.includes(subject));
}

async function restart(): Promise<void> {
  await mesh.stopApp('gateway');
  await mesh.startApp('gateway');
}

async function metric(name: string): Promise<number> {
  const { text } = await call('GET', `${gateway}/metrics`);
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
}

async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${mesh.app('gateway').pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

/** Asks for an upgrade by hand; resolves with the status and, where it was refused, the problem. */
async function upgrade(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; problem: unknown }> {
  const { hostname, port } = new URL(gateway);
  const lines = {
    host: `${hostname}:${port}`,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': 'cloudevents.json',
    ...(await authorizationFor(gateway)),
    ...headers,
  };
  const socket = connect(Number(port), hostname);
  socket.write(
    `GET ${path} HTTP/1.1\r\n${Object.entries(lines)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}\r\n`,
  );
  let text = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    text += chunk.toString('latin1');
    if (text.startsWith('HTTP/1.1 101')) break;
  }
  const body = text.slice(text.indexOf('\r\n\r\n') + 4);
  return { status: Number(text.slice(9, 12)), problem: body.startsWith('{') ? JSON.parse(body) : undefined };
}
