import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { runHeddle } from './cli-trial.js';

// What somebody meets who has just started a mesh.

const OPEN = 'heddle.contract.v1.Contract.Signed.v1';
const CLOSED = 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1';
const TYPES = [
  { type: CLOSED, owner: 'sales-order', key: 'SalesOrder', example: {} },
  { type: OPEN, owner: 'contract', publish: 'open', key: 'Contract', example: {} },
];

let stop = (): unknown => undefined;
afterEach(() => stop());

async function gateway(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url!);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { asked, GATEWAY_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, HEDDLE_TOKEN: 't' };
}

function problem(response: ServerResponse, status: number, code: string, detail: string): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ code, status, detail, title: detail, retryable: false }));
}

it('bench measures with a type that its owner has opened, where every type has an owner', async () => {
  const { asked, ...environment } = await gateway(({ url }, response) =>
    url === '/v1/catalogue'
      ? response.end(JSON.stringify({ types: TYPES }))
      : problem(response, 403, 'permission-missing', 'no streams for you'),
  );
  const { said, code } = await runHeddle(['bench'], environment);
  expect(said).toContain(`… 500 of ${OPEN}, 100 a second`);
  expect([code, asked.filter((url) => url.startsWith('/v1/stream')).length > 0]).toEqual([4, true]);
});

it('a type that is misspelt is met with the nearest one, once', async () => {
  for (const named of [true, false]) {
    const detail = `There is no such type.${named ? ` The nearest known type is ${OPEN}.` : ''}`;
    const { asked: _asked, ...environment } = await gateway(({ url }, response) =>
      url === '/v1/catalogue'
        ? response.end(JSON.stringify({ types: TYPES }))
        : problem(response, 404, 'type-unknown', detail),
    );
    const { said } = await runHeddle(['publish', OPEN.replace('Signed', 'Signd')], environment);
    expect(said.split(OPEN)).toHaveLength(2);
  }
});

it('tail says that it watches, for people alone', async () => {
  const { asked: _asked, ...environment } = await gateway((_request, response) => {
    const opened = { specversion: '1.0', id: '1', source: '/s', type: 'heddle.stream.v1.Stream.Opened.v1' };
    const event = { specversion: '1.0', id: '2', source: '/s', type: OPEN, time: new Date().toISOString(), data: {} };
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(
      `event: opened\nid: x\ndata: ${JSON.stringify({ ...opened, data: { resumed: 'live', gaps: [] } })}\n\n`,
    );
    response.write(`id: y\ndata: ${JSON.stringify(event)}\n\n`);
  });
  const people = await runHeddle(['tail', OPEN, '--limit', '1'], environment);
  expect(people.said).toBe(`… watching ${OPEN}; Ctrl-C ends it`);
  expect(people.out).toContain(OPEN);
  const program = await runHeddle(['tail', OPEN, '--limit', '1', '--json'], environment);
  expect(program.said).toBe('');
});
