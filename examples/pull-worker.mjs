// A receiver of a queue over HTTP with @heddle/client: long polls, settles many at once, and backs off by itself.
//
//   node examples/pull-worker.mjs QUEUE
//
// For platforms that cannot keep a connection open. Without any package the same is in queue-worker.mjs.
import { pullQueue, reject } from '@heddle/client';
import { gateway } from './gateway.mjs';

const [queue = 'orders'] = process.argv.slice(2);

const worker = pullQueue({
  ...gateway,
  queue,
  handle: async ({ type, subject, data }, { attempt }) => {
    if (data === undefined) return reject('it has no data');
    console.log(`${type}  ${subject}  attempt ${attempt}  ${JSON.stringify(data)}`);
  },
  onTrouble: ({ message }, retryInMs) => console.error(`${message}; again in ${Math.round(retryInMs)} ms`),
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void worker.close());

const { reason, error } = await worker.closed;
console.log(`over: ${reason}`);
if (error !== undefined) throw error;
