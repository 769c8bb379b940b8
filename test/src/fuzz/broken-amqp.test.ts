import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Permissions } from '@heddle/auth';
import { expect, it } from 'vitest';
import { Namespaces } from '../../../apps/gateway/src/messages/namespaces.js';
import { AmqpConnection } from '../../../apps/gateway/src/protocols/amqp/amqp-connection.js';
import { AmqpWriter } from '../../../apps/gateway/src/protocols/amqp/amqp-writer.js';
import { MessageForms } from '../../../apps/gateway/src/protocols/amqp/amqp.frames.js';
import { AMQP_VALUES } from '../../../apps/gateway/src/protocols/amqp/amqp.settings.js';
import type { ConnectionHome } from '../../../apps/gateway/src/protocols/amqp/connection-home.js';
import { bareBytes, countBytes } from '../../../apps/gateway/src/protocols/amqp/message-sections.js';
import { PerformativeWriter } from '../../../apps/gateway/src/protocols/amqp/performative-writer.js';
import type { Wire } from '../../../apps/gateway/src/protocols/wire.js';
import { Chance } from '../support/chance.js';
import { usedMs } from '../support/used-time.js';
import { Mutations } from './mutations.js';

/** In all; `npm run fuzz` asks for more. */
const FRAMES = Number(process.env['HEDDLE_FUZZ_FRAMES'] ?? 20_000);
/** What one may take of a processor; the clock would tell of what else the machine does. */
const MOST_MS = 500;
const MOST_GROWTH = 20 * 1024 * 1024;
const BARE = bareBytes({
  properties: {
    messageId: 'ID:1',
    to: 'topic:a/b',
    subject: 's',
    contentType: 'application/json',
    expiresAt: 1,
    createdAt: 2,
  },
  applicationProperties: [
    ['cloudEvents:id', '1'],
    ['count', 5],
    ['share', 0.5],
  ],
  body: Buffer.from('{"a":1}'),
});

const chance = Chance.of('broken frames of AMQP');
const mutations = new Mutations(chance);
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** A wire that keeps nothing. */
class TrialWire implements Wire {
  readonly headroom = 0;
  readonly address = '192.0.2.1';
  readonly queuedBytes = 0;
  isEnded = false;
  take: (bytes: Buffer) => void = () => undefined;
  #closed: () => void = () => undefined;

  write(): void {}
  onceDrained(callback: () => void): void {
    setImmediate(callback);
  }
  pause(): void {}
  resume(): void {}
  end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    setImmediate(this.#closed);
  }
  destroy(): void {
    this.end();
  }
  listen(onBytes: (bytes: Buffer) => void, onClosed: () => void): void {
    this.take = onBytes;
    this.#closed = onClosed;
  }
}

const faults: unknown[] = [];
const namespaces = new Namespaces();
const home = {
  containerId: 'heddle',
  settings: AMQP_VALUES,
  limits: { limitSlowMs: 1000 },
  guard: {},
  publisher: {
    publishMessages: (_caller: unknown, messages: readonly unknown[]) =>
      Promise.resolve(
        messages.map(() => ({ id: '1', position: { topic: 't', partition: 0, offset: 0 }, duplicate: false })),
      ),
  },
  streams: { open: () => ({ close: () => undefined }) },
  sources: {
    open: () => ({
      leaseMs: () => 30_000,
      take: (_wish: unknown, signal?: AbortSignal) =>
        signal === undefined
          ? Promise.resolve([])
          : new Promise((resolve) => signal.addEventListener('abort', () => resolve([]), { once: true })),
      settle: (settlements: readonly unknown[]) => Promise.resolve(settlements.map(() => ({ state: 'accepted' }))),
      handBack: () => undefined,
      close: () => undefined,
      onClosed: () => () => undefined,
    }),
  },
  forms: new MessageForms(namespaces),
  namespaces,
  admitGuess: () => undefined,
  charge: () => undefined,
  failed: (error: unknown) => void faults.push(error),
  ended: () => undefined,
} as unknown as ConnectionHome;

const caller = {
  tenant: 'local',
  namespace: 'local/a/b',
  client: 'fuzz',
  permissions: Permissions.of(['*']),
  expiresAt: Date.now() + 3_600_000,
  grantedAt: 0,
};
const session = { onDismissed: () => undefined } as never;

function written(write: (writer: PerformativeWriter) => void): Buffer {
  const writer = new PerformativeWriter();
  write(writer);
  return Buffer.from(writer.take());
}

const BEFORE = written((writer) => {
  writer.protocolHeader(0);
  writer.open({ containerId: 'client', maxFrameSize: 65_536, channelMax: 7, idleTimeoutMs: 60_000 });
  writer.begin(0, { remoteChannel: 0, incomingWindow: 100, handleMax: 63 });
});
const TERMINI = { source: { address: 'queue:q' }, target: { address: 'topic:a/b' } };
const MODES = { sndSettleMode: 2, rcvSettleMode: 0, maxMessageSize: 0 };
const FRAMES_OF_CLIENTS: readonly Buffer[] = [
  written((writer) => writer.open({ containerId: 'client', maxFrameSize: 65_536, channelMax: 7, idleTimeoutMs: 1000 })),
  written((writer) => writer.begin(1, { remoteChannel: 1, incomingWindow: 10, handleMax: 63 })),
  written((writer) => writer.attach(0, { name: 'r', handle: 0, isReceiver: true, ...MODES, ...TERMINI })),
  written((writer) => writer.attach(0, { name: 's', handle: 1, isReceiver: false, ...MODES, ...TERMINI })),
  written((writer) =>
    writer.attach(0, {
      ...{ name: 't', handle: 2, isReceiver: true, ...MODES },
      ...{ source: { address: 'topic:a/*' }, target: { address: undefined } },
    }),
  ),
  written((writer) =>
    writer.flow(0, {
      ...{ nextIncomingId: 0, incomingWindow: 100, nextOutgoingId: 0 },
      link: { handle: 0, deliveryCount: 0, credit: 10, drain: true },
    }),
  ),
  written((writer) => {
    const frame = writer.transfer(0, { handle: 1, deliveryId: 0, tag: Buffer.from([1]), settled: false, more: false });
    writer.raw(countBytes({ attempt: 2, redelivery: 'yes', cycle: 'c' }));
    writer.raw(BARE);
    writer.endFrame(frame);
  }),
  written((writer) => {
    const frame = writer.transfer(0, { handle: 1, deliveryId: 0, tag: Buffer.from([1]), settled: false, more: true });
    writer.raw(BARE.subarray(0, 30));
    writer.endFrame(frame);
  }),
  written((writer) => writer.disposition(0, true, { first: 0, last: 9, state: { outcome: 'accepted' } })),
  written((writer) =>
    writer.disposition(0, true, {
      ...{ first: 0, last: 0xffff_ffff },
      state: { outcome: 'rejected', error: { condition: 'amqp:decode-error', description: 'x' } },
    }),
  ),
  written((writer) => writer.detach(0, 1, { condition: 'amqp:not-found', description: undefined })),
  written((writer) => writer.endSession(0)),
  written((writer) => writer.close()),
  written((writer) => writer.saslMechanisms(['PLAIN', 'ANONYMOUS'])),
  written((writer) => writer.saslChallenge()),
  written((writer) => writer.heartbeat()),
];

/** A frame whose size is right, so that what is within is looked at; sometimes not even that. */
function broken(): Buffer {
  const frame = mutations.oneOf(FRAMES_OF_CLIENTS);
  if (chance.between(0, 4) === 0) return mutations.bytes(frame);
  const body = mutations.bytes(frame.subarray(8));
  const whole = Buffer.concat([frame.subarray(0, 8), body]);
  whole.writeUInt32BE(whole.length);
  return whole;
}

it('broken frames of AMQP end their connection at most, at once, and leave nothing behind', async () => {
  const warm = Math.ceil(FRAMES / 4);
  let wire = new TrialWire();
  wire.isEnded = true;
  let [ended, heap, slowest] = [0, 0, 0];
  for (let n = 0; n < FRAMES + warm; n += 1) {
    if (n === warm) heap = await usedHeap();
    if (wire.isEnded || n % 50 === 0) {
      wire.end();
      wire = new TrialWire();
      new AmqpConnection(wire, home, () => session, { caller, session });
      wire.take(BEFORE);
      for (const at of [2, 3]) if (chance.between(0, 1) === 0) wire.take(FRAMES_OF_CLIENTS[at]!);
      expect(wire.isEnded).toBe(false);
    }
    const bytes = broken();
    const begun = process.threadCpuUsage();
    // In one piece or in several, as the network has it.
    const cut = chance.between(0, bytes.length);
    wire.take(bytes.subarray(0, cut));
    wire.take(bytes.subarray(cut));
    slowest = Math.max(slowest, usedMs(begun));
    if (wire.isEnded) ended += 1;
    if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  wire.end();
  expect(faults).toEqual([]);
  expect(ended).toBeGreaterThan(FRAMES / 10);
  expect(slowest).toBeLessThan(MOST_MS);
  expect((await usedHeap()) - heap).toBeLessThan(MOST_GROWTH);
}, 120_000);

it('a few bytes that stand for billions of values are refused as soon as they are read', () => {
  for (const bomb of [bombOf(0x40), bombOf(0x45), nested(20_000)]) {
    const wire = new TrialWire();
    new AmqpConnection(wire, home, () => session, { caller, session });
    wire.take(BEFORE);
    const begun = process.threadCpuUsage();
    wire.take(bomb);
    expect(wire.isEnded).toBe(true);
    expect(usedMs(begun)).toBeLessThan(MOST_MS);
  }
});

/** A flow whose properties are an array of as many values without bytes as there can be. */
function bombOf(code: number): Buffer {
  return written((writer) => {
    const frame = writer.beginFrame(0, 0);
    const list = writer.described(0x13).beginList();
    writer.raw(Buffer.from([0xf0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, code]));
    writer.end(list, 1);
    writer.endFrame(frame);
  });
}

function nested(depth: number): Buffer {
  const writer = new AmqpWriter();
  const open = Array.from({ length: depth / 16 }, () => writer.beginList());
  for (const list of open.toReversed()) writer.end(list, list === open.at(-1) ? 0 : 1);
  const value = Buffer.from(writer.take());
  return written((frames) => {
    const frame = frames.beginFrame(0, 0);
    const list = frames.described(0x13).beginList();
    frames.raw(value);
    frames.end(list, 1);
    frames.endFrame(frame);
  });
}

async function usedHeap(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 10));
  collect();
  return process.memoryUsage().heapUsed;
}
