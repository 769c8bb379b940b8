import { expect, it, vi } from 'vitest';
import { callerFor } from '../../identity/identity-trial.js';
import { AmqpSession } from './amqp-session.js';
import { AMQP_VALUES } from './amqp.settings.js';
import type { ClientConnection } from './link.js';
import { PerformativeWriter } from './performative-writer.js';
import type { Attach, Flow } from './performatives.js';

const NOTHING = Buffer.alloc(0);
const MESSAGE_BYTES = 1000;

/** One message, and then none. */
function oneMessage() {
  let left = 1;
  return {
    leaseMs: () => 30_000,
    take: () =>
      left-- > 0
        ? Promise.resolve([{ token: '1', expiresAt: Infinity, prefix: NOTHING, bare: Buffer.alloc(MESSAGE_BYTES) }])
        : new Promise(() => undefined),
    onClosed: () => () => undefined,
  };
}

it('a window that opens while the network takes nothing is made use of when it does again', async () => {
  const writer = new PerformativeWriter();
  const whenRoom: (() => void)[] = [];
  const source = oneMessage();
  const connection = {
    home: { settings: AMQP_VALUES, sources: { open: () => source } },
    ...{ caller: callerFor(), address: 'test', writer, maxFrameBytes: 65_536, linkCount: 0, partialBytes: 0 },
    ...{ isFull: false, steal: () => undefined, wrote: () => undefined },
    onceRoom: (callback: () => void) => void whenRoom.push(callback),
  };
  const session = new AmqpSession(connection as unknown as ClientConnection, 0, {
    ...{ kind: 'begin', nextOutgoingId: 0, incomingWindow: 0, outgoingWindow: 0, handleMax: 63 },
  });
  const attach = { kind: 'attach', name: 'r', handle: 0, isReceiver: true, properties: new Map(), maxMessageSize: 0 };
  session.take({ ...attach, source: { address: 'queue:q' }, target: {} } as unknown as Attach, NOTHING);
  const flow = { kind: 'flow', nextIncomingId: 0, incomingWindow: 0, handle: 0, linkCredit: 1 } as Flow;
  session.take(flow, NOTHING);
  writer.take();
  connection.isFull = true;
  session.take({ ...flow, incomingWindow: 10 }, NOTHING);
  session.take({ ...flow, incomingWindow: 10 }, NOTHING);
  expect(whenRoom.length).toBe(1);
  connection.isFull = false;
  for (const callback of whenRoom.splice(0)) callback();
  await vi.waitFor(() => expect(writer.length).toBeGreaterThan(MESSAGE_BYTES));
});
