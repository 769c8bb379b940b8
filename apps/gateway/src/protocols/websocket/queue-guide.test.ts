import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { callerFor } from '../../identity/identity-trial.js';
import { SOON, TrialQueue, TrialServer } from './queue-trial.js';

const guide = readFileSync(join(import.meta.dirname, '../../../../../docs/guides/websocket.md'), 'utf8');

let queue: TrialQueue;
let server: TrialServer;
let folder: string;
let receiver: ChildProcess;

beforeEach(async () => {
  queue = new TrialQueue();
  server = await new TrialServer(queue).listen();
  folder = mkdtempSync(join(tmpdir(), 'heddle-guide-'));
  const program = join(folder, 'receiver.mjs');
  writeFileSync(program, /^```js\n(.*?)^```$/ms.exec(guide)![1]!);
  receiver = spawn(process.execPath, [program, server.url], {
    stdio: 'ignore',
    env: { HEDDLE_TOKEN: server.guard.tokenFor(callerFor()) },
  });
});

afterEach(async () => {
  receiver.kill('SIGKILL');
  rmSync(folder, { recursive: true });
  await server.close();
});

it('the receiver of the guide accepts every event, and goes on by itself after its connection was cut', async () => {
  queue.add(1000);
  await vi.waitFor(() => expect(queue.accepted).toHaveLength(1000), SOON);
  // Cut off with settlements under way: their answers never come.
  const stored = Promise.withResolvers<void>();
  queue.durable = stored.promise;
  queue.add(150);
  await vi.waitFor(() => expect(queue.accepted).toHaveLength(1100), SOON);
  server.cut();
  stored.resolve();
  queue.durable = Promise.resolve();
  await vi.waitFor(() => expect(queue.accepted).toHaveLength(1150), SOON);
  queue.add(100);
  await vi.waitFor(() => expect(queue.accepted).toHaveLength(1250), SOON);
  expect(new Set(queue.accepted).size).toBe(1250);
  expect(queue.out.size).toBe(0);
});
