// A receiver of webhooks: prints each event in one line, and checks its signature when it is given the secret.
//
//   node examples/webhook-sink.mjs [port, 9400] [secret, whsec_…]
//
// It speaks Standard Webhooks 1.0.0 (headers webhook-id, webhook-timestamp, webhook-signature) and reads CloudEvents over
// HTTP in both modes, with nothing but Node.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const [port = '9400', secret] = process.argv.slice(2);
/** A signature older or newer than this is a replay, or somebody's clock is wrong. */
const TOLERANCE_SECONDS = 300;

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const problem = secret === undefined ? undefined : signatureProblem(request.headers, body);
  // Anything but a 2xx makes the sender try again; 204 says that the event is safe here.
  response.writeHead(problem === undefined ? 204 : 401).end();
  console.log(problem === undefined ? describe(request.headers, body) : `refused: ${problem}`);
});

server.on('error', (error) => {
  console.error(error.code === 'EADDRINUSE' ? `Port ${port} is in use: name another one.` : error.message);
  process.exit(1);
});
server.listen(Number(port), '127.0.0.1', () => console.log(`webhook sink listens on http://127.0.0.1:${port}/`));

/** What is wrong with the signature; nothing when it is right. */
function signatureProblem(headers, body) {
  const id = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'];
  const signatures = headers['webhook-signature'];
  if (!id || !timestamp || !signatures) return 'it is not signed';
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return 'its timestamp is too far from now';
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
  // Several signatures may stand side by side while a secret is being changed.
  const matches = signatures.split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64');
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  return matches ? undefined : 'its signature does not match';
}

/** One line: when, which event, of which object, with what. */
function describe(headers, body) {
  const text = body.toString('utf8');
  if (headers['ce-id'] !== undefined) {
    return line(headers['ce-time'], headers['ce-type'], headers['ce-subject'], headers['ce-sequence'], text);
  }
  try {
    const { time, type, subject, sequence, data } = JSON.parse(text);
    return line(time, type, subject, sequence, JSON.stringify(data));
  } catch {
    return `not an event: ${text.slice(0, 200)}`;
  }
}

function line(time, type, subject, sequence, data) {
  const number = sequence === undefined ? '' : ` #${Number(sequence)}`;
  return `${time ?? new Date().toISOString()}  ${type}  ${subject}${number}  ${data}`;
}
