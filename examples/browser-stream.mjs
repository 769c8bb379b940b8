// A page that shows events as they happen, and the server it comes from.
//
//   node examples/browser-stream.mjs [port, 9500] [types, *]
//
// The page has no secret: for each connection it asks its own server for a ticket, which has the token. What it runs is
// the build of @heddle/client/stream as it is, in the browser's own modules; a bundler would do as well.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { basename } from 'node:path';
import { requestTicket } from '@heddle/client';
import { gateway } from './gateway.mjs';

const [port = '9500', types = '*'] = process.argv.slice(2);
const page = readFileSync(new URL('browser-stream.html', import.meta.url));
const client = new URL('.', import.meta.resolve('@heddle/client/stream'));

const server = createServer(async ({ method, url = '/' }, response) => {
  const answer = (status, type, body) => response.writeHead(status, { 'content-type': type }).end(body);
  try {
    if (url === '/') answer(200, 'text/html; charset=utf-8', page);
    else if (url === '/settings') answer(200, 'application/json', JSON.stringify({ url: gateway.url, types }));
    // A page of yours would first look who is logged in.
    else if (url === '/ticket' && method === 'POST') answer(201, 'text/plain', await requestTicket(gateway));
    else if (/^\/client\/[a-z-]+\.js$/.test(url)) {
      answer(200, 'text/javascript', await readFile(new URL(basename(url), client)));
    } else answer(404, 'text/plain', 'There is nothing here.');
  } catch (error) {
    answer(502, 'text/plain', error.message);
  }
});

server.listen(Number(port), '127.0.0.1', () => console.log(`shows events on http://127.0.0.1:${port}/`));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close());
