// A receiver of a queue over WebSocket with @heddle/client: leases, retries, reconnects and tokens are taken care of.
//
//   node examples/work-queue.mjs QUEUE
//
// Start it several times, and they share the events. Ctrl-C ends it once what it works on is settled.
import { connectQueue } from '@heddle/client';
import { gateway } from './gateway.mjs';

const [queue = 'orders'] = process.argv.slice(2);

const connection = connectQueue({
  ...gateway,
  queue,
  handle: async ({ type, subject, data }, { attempt }) => {
    console.log(`${type}  ${subject}  attempt ${attempt}  ${JSON.stringify(data)}`);
  },
  onDisconnected: ({ reason, retryInMs }) => console.error(`${reason}; again in ${Math.round(retryInMs)} ms`),
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void connection.close());

const { reason, error } = await connection.closed;
console.log(`over: ${reason}`);
if (error !== undefined) throw error;
