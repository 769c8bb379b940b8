// Notify, then fetch: follows a live stream of sales orders, and fetches each order as the event says it is, or newer.
//
//   node examples/fetch-objects.mjs [types, sap.s4.beh.salesorder.*]
//
// What is had is remembered with its ETag, and not sent again.
import { fetchObject, openStream } from '@heddle/client';
import { gateway } from './gateway.mjs';

const [types = 'sap.s4.beh.salesorder.*'] = process.argv.slice(2);
const etags = new Map();

const stream = openStream({
  ...gateway,
  types: types.split(','),
  onOpened: ({ resumed }) => console.log(`follows: ${resumed}`),
  onEvent: async (event) => {
    const fetched = await fetchObject(event, { ...gateway, etag: etags.get(event.subject) });
    etags.set(event.subject, fetched.etag);
    console.log(`${event.type}  ${event.subject}  ${what(fetched)}`);
  },
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stream.close());

const { reason, error } = await stream.closed;
console.log(`over: ${reason}`);
if (error !== undefined) throw error;

function what(fetched) {
  if (fetched.kind === 'tombstone') return `version ${fetched.version}: deleted`;
  if (fetched.kind === 'unchanged') return `version ${fetched.version}: had already`;
  return `version ${fetched.version}: ${Object.keys(fetched.state).length} fields`;
}
