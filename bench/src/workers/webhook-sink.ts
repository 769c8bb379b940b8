import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { nowMicros } from '../latencies.js';
import { answer } from './answer.js';

export type WebhookSinkTasks = {
  /** Resolves with the URL. */
  listen(input: undefined): Promise<string>;
  begin(): void;
  /** Resolves when events of so many keys came since `begin`, or after the time given: microseconds of arrival by key. */
  until(expected: { keys: number; timeoutMs: number }): Promise<Record<string, number>>;
};

let arrivals = new Map<string, number>();
let wanted = Infinity;
let onWanted: () => void = () => undefined;

const server = createServer((request, response) => {
  const key = String(request.headers['ce-subject']);
  request.resume();
  request.once('end', () => {
    if (!arrivals.has(key)) arrivals.set(key, nowMicros());
    response.writeHead(204).end();
    if (arrivals.size >= wanted) onWanted();
  });
});

answer({
  listen: () =>
    new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`));
    }),
  begin() {
    arrivals = new Map();
  },
  async until({ keys, timeoutMs }) {
    wanted = keys;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      onWanted = () => {
        clearTimeout(timer);
        resolve();
      };
      if (arrivals.size >= wanted) onWanted();
    });
    wanted = Infinity;
    return Object.fromEntries(arrivals);
  },
} satisfies WebhookSinkTasks);
