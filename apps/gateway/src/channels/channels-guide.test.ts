import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GatewayTrial } from '../gateway-trial.js';
import { callerFor } from '../identity/identity-trial.js';

const GUIDE = 'docs/guides/channels.md';
const run = promisify(execFile);

let trial: GatewayTrial;

beforeAll(async () => {
  trial = await GatewayTrial.start();
});

afterAll(() => trial.stop());

it('the guide to channels has lines that work as they stand', async () => {
  const lines = /```sh\n([^]*?)```/.exec(readFileSync(GUIDE, 'utf8'))?.[1] ?? '';
  const here = lines.replace(/^GATEWAY=.*$/m, `GATEWAY=${trial.url}`);
  const auth = `authorization: ${trial.guard.bearerFor(callerFor())}`;
  const { stdout } = await run('sh', ['-c', `AUTH='${auth}'\n${here}`]);
  expect(stdout).toContain('"active":true');
  expect(stdout).toContain('"held":[]');
  expect(stdout).toContain('"heddletest":"true"');
  expect(stdout).toContain('"ok":true');
  expect(stdout).toContain('"unbound":[]');
  expect(stdout).not.toContain('"code":');
});
