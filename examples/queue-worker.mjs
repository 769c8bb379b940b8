// A pull receiver of a queue: leases events, works on them, and says of each what became of it. Nothing but `fetch`.
//
//   node examples/queue-worker.mjs [queue, orders] [types, sap.s4.beh.salesorder.*]
//
// The gateway is that of `npm start` unless GATEWAY_URL says otherwise. Start it several times, and the workers share the
// events. Ctrl-C ends it once what it works on is settled.
import { setTimeout as delay } from 'node:timers/promises';

const [queue = 'orders', types = 'sap.s4.beh.salesorder.*'] = process.argv.slice(2);
const base = `${process.env.GATEWAY_URL ?? 'http://127.0.0.1:8080'}/v1/queues/${queue}`;
/** As many as are surely done with before their leases run out. */
const AT_A_TIME = 50;
const WAIT_MS = 3000;
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 15_000;

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
 * 503 (a queue on its way to another instance, say). To settle twice is as good as once.
 */
async function ask(method, path, body, { headers = {}, accepted = [] } = {}) {
  const content = { 'content-type': 'application/json', ...headers };
  const request = { method, headers: content, body: JSON.stringify(body) };
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LAST_PAUSE_MS, pauseMs * 2)) {
    const { status, text, retryAfter } = await once(base + path, request);
    if ((status >= 200 && status < 300) || accepted.includes(status)) return JSON.parse(text);
    const trouble = `${method} ${base}${path}: ${status ?? 'no answer'}: ${text}`;
    if (status >= 400 && status < 500 && status !== 429) throw new Error(trouble);
    console.error(`${trouble}; trying again`);
    // By chance up to twice as long, or all workers would come back at once.
    const waitMs = Math.max(pauseMs, Number(retryAfter ?? 0) * 1000) * (1 + Math.random());
    await delay(waitMs, undefined, { signal: stopping.signal });
  }
}

/** One request with its whole answer; without a status when there was none, or not all of it. */
async function once(url, request) {
  try {
    const answer = await fetch(url, request);
    return { status: answer.status, retryAfter: answer.headers.get('retry-after'), text: await answer.text() };
  } catch (error) {
    return { text: String(error.cause ?? error) };
  }
}
