import { setTimeout as delay } from 'node:timers/promises';
import { HeddleError } from '@heddle/event';
import { exitCodeOf, EXIT } from '../exit-codes.js';
import { type Gateway, errorOf } from '../gateway.js';

/** An event of a stream, with the token that resumes after it. */
export interface StreamedEvent {
  event: Record<string, unknown>;
  token: string;
}

/** How a stream begins, as its first event says. */
export interface Opened {
  resumed: 'live' | 'exact' | 'truncated' | 'reset';
  gaps: { topic: string; partition: number; from: number; to: number }[];
}

export interface StreamWish {
  types: readonly string[];
  /** `now`, `earliest`, a time, or places in the log. */
  start: string;
  /** Stands before `start`. */
  token?: string | undefined;
  signal: AbortSignal;
  onOpened?: (opened: Opened, token: string) => void;
  /** Hears of connections that were lost, before another one is opened. */
  onTrouble?: (reason: string) => void;
}

const OPENED = 'heddle.stream.v1.Stream.Opened.v1';
/** The gateway writes something every 15 seconds: without a word for this long the connection is dead. */
const SILENCE_MS = 45_000;
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 10_000;

/**
 * A live stream (`GET /v1/stream` as server-sent events) that goes on after the last event when its connection is lost,
 * until the signal ends it.
 *
 * @throws HeddleError when the stream is refused, or the first connection fails
 */
export async function* eventStream(gateway: Gateway, wish: StreamWish): AsyncGenerator<StreamedEvent> {
  let { token } = wish;
  let pauseMs = FIRST_PAUSE_MS;
  for (let isFirst = true; !wish.signal.aborted; isFirst = false) {
    try {
      for await (const { data, id } of messages(gateway, wish, token)) {
        token = id;
        pauseMs = FIRST_PAUSE_MS;
        const event = JSON.parse(data) as Record<string, unknown>;
        if (event['type'] === OPENED) wish.onOpened?.(event['data'] as Opened, id);
        else yield { event, token: id };
      }
    } catch (error) {
      if (wish.signal.aborted) return;
      const isLasting = exitCodeOf(error) !== EXIT.unreachable.code && error instanceof HeddleError;
      if (isFirst || isLasting) throw error;
      wish.onTrouble?.(error instanceof Error ? error.message : String(error));
    }
    await delay(pauseMs, undefined, { signal: wish.signal }).catch(() => undefined);
    pauseMs = Math.min(LAST_PAUSE_MS, pauseMs * 2);
  }
}

async function* messages(
  gateway: Gateway,
  { types, start, signal }: StreamWish,
  token: string | undefined,
): AsyncGenerator<{ data: string; id: string }> {
  const silence = new AbortController();
  const response = await opened(gateway, {
    types: types.length === 0 ? undefined : types.join(','),
    start: token === undefined ? start : undefined,
    resume: token,
    signal: AbortSignal.any([signal, silence.signal]),
  });
  const timer = setTimeout(() => silence.abort(), SILENCE_MS);
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of response.body ?? []) {
      timer.refresh();
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const message = messageIn(text.slice(0, end));
        text = text.slice(end + 2);
        if (message !== undefined) yield message;
      }
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

/** With a token that is good: one that has ended meanwhile is replaced once. */
async function opened(
  gateway: Gateway,
  {
    signal,
    ...query
  }: { types: string | undefined; start: string | undefined; resume: string | undefined; signal: AbortSignal },
): Promise<Response> {
  for (let tries = 1; ; tries += 1) {
    const token = await gateway.token();
    const options = { query, signal, timeoutMs: Infinity, headers: { accept: 'text/event-stream' } };
    const response = await gateway.open('GET', '/v1/stream', token, options);
    if (response.ok) return response;
    const text = await response.text();
    if (response.status === 401 && tries === 1 && gateway.refused(token)) continue;
    throw errorOf(response, text);
  }
}

/** `id` and `data` of a server-sent event; undefined for comments and what else there is. */
function messageIn(text: string): { data: string; id: string } | undefined {
  let id = '';
  const data: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('data:')) data.push(line.slice(5).trimStart());
    else if (line.startsWith('id:')) id = line.slice(3).trim();
  }
  return data.length === 0 ? undefined : { data: data.join('\n'), id };
}
