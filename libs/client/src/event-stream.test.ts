import { describe, expect, it, vi } from 'vitest';
import { type EventStream, type Opened, type StreamOptions, openStream } from './event-stream.js';

const GAP = { topic: 'contract', partition: 3, from: 10, to: 12 };

describe('a stream', () => {
  it('says what is gone, where the log no longer has all that was missed', async () => {
    const opened: Opened[] = [];
    const { stream } = streaming([openedText('t0', 'truncated', [GAP]) + eventText('t1', 'e1')], {
      onOpened: (where) => opened.push(where),
    });
    await vi.waitFor(() => expect(stream.resumeToken).toBe('t1'));
    expect(opened).toEqual([{ resumed: 'truncated', types: [], gaps: [GAP] }]);
    await stream.close();
  });

  it('asks for what it was asked for, and after a cut for what follows the last whole event', async () => {
    const answers = [
      openedText('t0') + eventText('t1', 'e1') + eventText('t2', 'e2').slice(0, 30),
      openedText('t1', 'exact') + eventText('t2', 'e2'),
    ];
    const { stream, ids, asked } = streaming(answers, { types: ['a.*', 'b'], start: 'earliest' });
    await vi.waitFor(() => expect(ids).toEqual(['e1', 'e2']));
    expect(asked.slice(0, 2)).toEqual([
      '/v1/stream?types=a.*%2Cb&start=earliest',
      '/v1/stream?types=a.*%2Cb&resume=t1',
    ]);
    await stream.close();
  });

  it('that has just opened resumes there, even if no event has come', async () => {
    const { stream, asked } = streaming([openedText('t0'), openedText('t0', 'exact')]);
    await vi.waitFor(() => expect(asked[1]).toBe('/v1/stream?resume=t0'));
    await stream.close();
  });

  it('is left alone for as long as the gateway asks', async () => {
    const waits: number[] = [];
    const busy = Response.json(
      { code: 'too-many-connections', retryable: true },
      { status: 429, headers: { 'retry-after': '7' } },
    );
    const { stream } = streaming([busy], { onDisconnected: ({ retryInMs }) => waits.push(retryInMs) });
    await vi.waitFor(() => expect(waits).toHaveLength(1));
    expect(waits[0]).toBeGreaterThanOrEqual(7000);
    await stream.close();
  });

  it('whose events are none ends, for its user has to know', async () => {
    const { stream } = streaming([`${openedText('t0')}data: {"specversion":"1.0"}\n\n`]);
    expect(await stream.closed).toMatchObject({ reason: 'failed', error: new TypeError('it has no id') });
  });

  it('takes nothing more once it is closed', async () => {
    const { stream, ids } = streaming([openedText('t0') + eventText('t1', 'e1') + eventText('t2', 'e2')], {
      onEvent: ({ id }) => {
        ids.push(id);
        void stream.close();
      },
    });
    expect(await stream.closed).toEqual({ reason: 'closed' });
    expect([ids, stream.resumeToken]).toEqual([['e1'], 't1']);
  });
});

it('a page cannot show a token, and a server needs no ticket: one of them there has to be', async () => {
  const stream = openStream({ url: 'https://mesh.example', retryMs: 1, onEvent: () => undefined });
  expect(await stream.closed).toMatchObject({ reason: 'refused', error: expect.any(TypeError) as Error });
});

/** A stream whose connections are answered with these texts in turn, the last one stays open. */
function streaming(answers: (string | Response)[], options: Partial<StreamOptions> = {}) {
  const asked: string[] = [];
  const ids: string[] = [];
  const stream: EventStream = openStream({
    url: 'https://mesh.example',
    token: 't',
    retryMs: 1,
    onEvent: ({ id }) => void ids.push(id),
    fetch: (url, init) => {
      asked.push((url as string).replace('https://mesh.example', ''));
      const answer = answers[Math.min(asked.length, answers.length) - 1]!;
      return Promise.resolve(
        answer instanceof Response ? answer.clone() : streamOf(answer, init!.signal!, asked.length < answers.length),
      );
    },
    ...options,
  });
  return { stream, ids, asked };
}

function streamOf(text: string, signal: AbortSignal, isCut: boolean): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      signal.addEventListener('abort', () => controller.error(signal.reason));
      for (const piece of text.match(/[^]{1,7}/g)!) controller.enqueue(new TextEncoder().encode(piece));
      if (isCut) controller.close();
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

function openedText(token: string, resumed = 'live', gaps: object[] = []): string {
  const type = 'heddle.stream.v1.Stream.Opened.v1';
  return eventText(token, 'opened', { type, data: { resumed, types: [], gaps } });
}

function eventText(token: string, id: string, different: object = {}): string {
  const event = { specversion: '1.0', id, source: '/s', type: 't', ...different };
  return `id: ${token}\ndata: ${JSON.stringify(event)}\n\n`;
}
