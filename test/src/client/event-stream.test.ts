import {
  ClientTokens,
  type CloudEvent,
  type EventStream,
  type Opened,
  type StreamOptions,
  openStream,
  requestTicket,
} from '@heddle/client';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { ADMIN, ClientTrial, SOON } from './client-trial.js';

let trial: ClientTrial;

beforeAll(async () => {
  trial = await ClientTrial.start();
});

afterAll(() => trial.stop());

describe('a stream', () => {
  /** A page's WebSocket says where the page is from, which none of Node's does by itself. */
  class PageSocket extends WebSocket {
    constructor(url: string, protocol: string, options: object) {
      super(url, protocol, { ...options, headers: { origin: 'http://localhost:3000' } });
    }
  }

  /** The page's own server is a client; tickets are for those only. */
  let page: ClientTokens;

  beforeAll(async () => {
    const { json } = await trial.gateway.ask(ADMIN, 'PUT', '/v1/clients/page', { permissions: ['consume:type:*'] });
    const { clientId, clientSecret } = json as { clientId: string; clientSecret: string };
    page = new ClientTokens({ tokenUrl: `${trial.url}/oauth/token`, clientId, clientSecret });
  });

  const ways: [name: string, how: () => Partial<StreamOptions>][] = [
    ['server-sent events', () => ({ token: trial.tokenOf(['*']) })],
    ['WebSocket under a token', () => ({ token: trial.tokenOf(['*']), transport: 'websocket' })],
    [
      'WebSocket of the package ws',
      () => ({ token: trial.tokenOf(['*']), transport: 'websocket', webSocket: WebSocket }),
    ],
    [
      'WebSocket with tickets',
      () => ({ ticket: () => requestTicket({ url: trial.url, token: page }), webSocket: PageSocket }),
    ],
  ];

  it.each(ways)('over %s says where it begins, and goes on after a cut exactly where it was', async (_name, how) => {
    const opened: Opened[] = [];
    const { stream, ids } = listening({ ...how(), onOpened: (where) => opened.push(where) });
    await vi.waitFor(() => expect(opened).toHaveLength(1), SOON);
    expect(opened[0]).toMatchObject({ resumed: 'live', gaps: [] });
    const before = await trial.publish(['S-1', 'S-2']);
    await vi.waitFor(() => expect(ids()).toHaveLength(2), SOON);
    const { resumeToken } = stream;
    expect(await stream.close()).toEqual({ reason: 'closed' });
    const missed = await trial.publish(['S-1', 'S-2', 'S-3']);
    const again = listening({ ...how(), resume: resumeToken!, onOpened: (where) => opened.push(where) });
    await vi.waitFor(() => expect(again.ids()).toHaveLength(3), SOON);
    const live = await trial.publish(['S-1']);
    await vi.waitFor(() => expect(again.ids()).toHaveLength(4), SOON);
    expect([...ids(), ...again.ids()].toSorted()).toEqual(
      [...before, ...missed, ...live].map(({ id }) => id).toSorted(),
    );
    expect(opened[1]).toMatchObject({ resumed: 'exact', gaps: [] });
    await again.stream.close();
  });

  it('that is ended by the gateway comes back by itself', async () => {
    const disconnected: string[] = [];
    let openings = 0;
    const { stream, ids } = listening({
      token: trial.tokenOf(['*']),
      retryMs: 20,
      onOpened: () => (openings += 1),
      onDisconnected: ({ reason }) => disconnected.push(reason),
    });
    await vi.waitFor(() => expect(openings).toBe(1), SOON);
    trial.gateway.gateway.streams.close();
    await vi.waitFor(() => expect(openings).toBe(2), SOON);
    await trial.publish(['S-1']);
    await vi.waitFor(() => expect(ids()).toHaveLength(1), SOON);
    expect(disconnected).toEqual(['ended']);
    await stream.close();
  });

  it('that says nothing for too long is made anew', async () => {
    let openings = 0;
    const options = { token: trial.tokenOf(['*']), retryMs: 20, idleMs: 200, onOpened: () => (openings += 1) };
    const streams = [listening(options), listening({ ...options, transport: 'websocket' })];
    await vi.waitFor(() => expect(openings).toBeGreaterThanOrEqual(4), SOON);
    for (const { stream } of streams) await stream.close();
  });

  it('over WebSocket gives up a connection whose events are not taken, and has them all, once and in order, in the end', async () => {
    const ids: string[] = [];
    const ends: string[] = [];
    const gate = Promise.withResolvers<void>();
    const stream = openStream({
      ...trial.options(),
      transport: 'websocket',
      types: [CONTRACT_SIGNED],
      retryMs: 20,
      onDisconnected: ({ reason }) => ends.push(reason),
      onEvent: async ({ id }) => {
        await gate.promise;
        ids.push(id);
      },
    });
    await vi.waitFor(() => expect(stream.resumeToken).toBeDefined(), SOON);
    const events: { id: string }[] = [];
    for (let n = 0; n < 15; n += 1) events.push(...(await trial.publish(Array<string>(100).fill('W'))));
    gate.resolve();
    await vi.waitFor(() => expect(ids).toHaveLength(1500), SOON);
    expect(ids).toEqual(events.map(({ id }) => id));
    expect(ends).toContain('full');
    await stream.close();
  });

  it('waits for who takes its events, and resumes after the last that was taken when one was not', async () => {
    const taken: string[] = [];
    let here = 0;
    const options = { ...trial.options(), types: [CONTRACT_SIGNED] };
    const stream = openStream({
      ...options,
      onEvent: async ({ id }) => {
        expect((here += 1)).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 5));
        here -= 1;
        if (taken.length === 2) throw new Error('no');
        taken.push(id);
      },
    });
    await vi.waitFor(() => expect(stream.resumeToken).toBeDefined(), SOON);
    const events = await trial.publish(['W', 'W', 'W', 'W']);
    expect(await stream.closed).toMatchObject({ reason: 'failed', error: { message: 'no' } });
    expect(taken).toEqual(events.slice(0, 2).map(({ id }) => id));
    const again = listening({ token: trial.tokenOf(['*']), resume: stream.resumeToken! });
    await vi.waitFor(() => expect(again.ids()).toEqual(events.slice(2).map(({ id }) => id)), SOON);
    await again.stream.close();
  });
});

/** A stream of the contracts, and the ids of what came. */
function listening(options: Partial<StreamOptions>): { stream: EventStream; ids(): string[] } {
  const ids: string[] = [];
  const onEvent = ({ id }: CloudEvent): void => void ids.push(id);
  const stream = openStream({ url: trial.url, types: [CONTRACT_SIGNED], onEvent, ...options });
  return { stream, ids: () => ids };
}
