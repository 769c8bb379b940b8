// A pull receiver of a queue: leases events, works on them, and says of each what became of it. Nothing but `fetch`.
//
//   node examples/queue-worker.mjs [queue, orders] [types, sap.s4.beh.salesorder.*]
//
// The gateway is that of `npm start` unless GATEWAY_URL says otherwise. Start it several times, and the workers share the
// events. Ctrl-C ends it once what it works on is settled.
//
// Who it is: HEDDLE_CLIENT_ID with HEDDLE_CLIENT_SECRET (or the file HEDDLE_CLIENT_SECRET_FILE), for which it gets tokens by
// itself; or HEDDLE_TOKEN, until that ends.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const [queue = 'orders', types = 'sap.s4.beh.salesorder.*'] = process.argv.slice(2);
const gateway = process.env.GATEWAY_URL ?? 'http://127.0.0.1:8080';
const base = `${gateway}/v1/queues/${queue}`;
/** As many as are surely done with before their leases run out. */
const AT_A_TIME = 50;
const WAIT_MS = 3000;
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 15_000;

const client = process.env.HEDDLE_CLIENT_ID;
/** A client has none at first. */
let token = { value: process.env.HEDDLE_TOKEN ?? '', until: client === undefined ? Infinity : 0 };

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopping.abort());

try {
  // Made when it is not there yet; one that is there (412) is left as it is.
  const wish = { types: types.split(','), order: 'key', start: 'earliest' };
  await ask('PUT', '', wish, { headers: { 'if-none-match': '*' }, accepted: [412] });
  while (!stopping.signal.aborted) {
    // Not cut off when it is to end: an answer on its way has leases, which nobody would settle. So it waits for short.
    const { deliveries } = await ask('POST', '/receive', { max: AT_A_TIME, waitMs: WAIT_MS });
    if (deliveries.length === 0) continue;
    // Of each business key there is one event at a time, so that those of an answer can be worked on side by side.
    const settlements = await Promise.all(deliveries.map(work));
    const { results } = await ask('POST', '/settle', { settlements });
    // A lease that ran out meanwhile: the event comes again, to whoever asks next.
    for (const { code } of results) if (code !== undefined) console.error(`not settled: ${code}`);
  }
} catch (error) {
  if (!stopping.signal.aborted) throw error;
}

/** Works on one delivery. Returns its settlement: done, or to be tried again as the queue's schedule says. */
async function work({ lease, attempt, redelivery, event }) {
  try {
    await handle(event);
  } catch (error) {
    return { lease, action: 'release', reason: String(error) };
  }
  const again = redelivery === 'no' ? '' : `  (attempt ${attempt}, redelivery: ${redelivery})`;
  console.log(`${event.time}  ${event.type}  ${event.subject}${again}  ${JSON.stringify(event.data)}`);
  return { lease, action: 'accept' };
}

/** Your work. It may see an event twice, never with another id: remember ids, or make twice the same as once. */
async function handle(event) {
  if (event.data === undefined) throw new Error('it has no data');
}

/**
 * Makes a request until it is answered. What may succeed later is tried again, less often each time: no connection, 429,
 * 503 (a queue on its way to another instance, say), and 401 with another token. To settle twice is as good as once.
 */
async function ask(method, path, body, { headers = {}, accepted = [] } = {}) {
  const content = { 'content-type': 'application/json', ...headers };
  const request = { method, headers: content, body: JSON.stringify(body) };
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LAST_PAUSE_MS, pauseMs * 2)) {
    const { status, text, retryAfter } = await once(base + path, request);
    if ((status >= 200 && status < 300) || accepted.includes(status)) return JSON.parse(text);
    if (status === 401 && client !== undefined) token.until = 0;
    else if (status >= 400 && status < 500 && status !== 429) throw new Error(`${method} ${base}${path}: ${text}`);
    const trouble = `${method} ${base}${path}: ${status ?? 'no answer'}: ${text}`;
    console.error(`${trouble}; trying again`);
    // By chance up to twice as long, or all workers would come back at once.
    const waitMs = Math.max(pauseMs, Number(retryAfter ?? 0) * 1000) * (1 + Math.random());
    await delay(waitMs, undefined, { signal: stopping.signal });
  }
}

/** One request with its whole answer; without a status when there was none, or not all of it. */
async function once(url, request) {
  try {
    const headers = { ...request.headers, authorization: `Bearer ${await accessToken()}` };
    const answer = await fetch(url, { ...request, headers });
    return { status: answer.status, retryAfter: answer.headers.get('retry-after'), text: await answer.text() };
  } catch (error) {
    return { text: String(error.cause ?? error) };
  }
}

/** The token of now: a client gets another one when a fifth of its time is left (RFC 6749 §4.4). */
async function accessToken() {
  if (Date.now() < token.until) return token.value;
  const { HEDDLE_CLIENT_SECRET_FILE: file, HEDDLE_CLIENT_SECRET: secret = readFileSync(file, 'utf8').trim() } =
    process.env;
  const authorization = `Basic ${Buffer.from(`${client}:${secret}`).toString('base64')}`;
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  const answer = await fetch(`${gateway}/oauth/token`, { method: 'POST', headers: { authorization }, body: form });
  const body = await answer.text();
  if (!answer.ok) throw new Error(`no token for ${client}: ${answer.status}: ${body}`);
  const { access_token: value, expires_in: seconds } = JSON.parse(body);
  token = { value, until: Date.now() + seconds * 800 };
  return value;
}
