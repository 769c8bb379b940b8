// A receiver of webhooks with @heddle/client: signatures, consent, repeats and answers are taken care of.
//
//   node examples/receive-webhook.mjs SECRET [port, 9401]
//
// SECRET is what the gateway showed when the webhook was made (whsec_…), or its public key (whpk_…).
import { createServer } from 'node:http';
import { httpReceiver, webhookReceiver } from '@heddle/client';

const [key, port = '9401'] = process.argv.slice(2);
const keys = key?.startsWith('whpk_') ? { publicKeys: [key] } : { secrets: [key ?? ''] };

const receiver = webhookReceiver({
  ...keys,
  consent: { origins: '*', ratePerMinute: 6000 },
  handle: ({ type, subject, data }, { attempt }) => {
    console.log(`${type}  ${subject}  attempt ${attempt}  ${JSON.stringify(data)}`);
  },
  onRefused: ({ reason }) => console.log(`refused: ${reason}`),
});

const server = createServer(httpReceiver(receiver));
server.listen(Number(port), '127.0.0.1', () => console.log(`receives webhooks on http://127.0.0.1:${port}/`));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close());
