import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it, vi } from 'vitest';
import { accessToken } from './access-token.mjs';
import { CHECKOUT } from './checkout.mjs';
import { requireJava } from './java.mjs';

const run = promisify(execFile);

afterEach(() => vi.unstubAllEnvs());

it('a flag that there is not is told before anything is installed, in one line', async () => {
  const started = run(process.execPath, [join(CHECKOUT, 'infra/start.mjs'), '--frseh']);
  await expect(started).rejects.toMatchObject({
    code: 2,
    stdout: '',
    stderr: '✖ npm start has no --frseh: there are --fresh and --demo (npm start -- --fresh).\n',
  });
});

it('a machine without Java is told what to install, also where broker and registry have been fetched before', async () => {
  vi.stubEnv('PATH', mkdtempSync(join(tmpdir(), 'heddle-nothing-')));
  for (const maven of [true, false]) {
    await expect(requireJava({ maven })).rejects.toThrow(/no Java was found: install them .*KAFKA_BROKERS/);
  }
});

it('a token is got where npm start was told to be: by its folder and its port', async () => {
  const asked: (string | undefined)[] = [];
  const gateway = createServer((request, response) => {
    asked.push(request.headers.authorization);
    response.end('{"access_token":"t"}');
  });
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  const data = mkdtempSync(join(tmpdir(), 'heddle-data-'));
  const environment = { HEDDLE_DATA: data, GATEWAY_PORT: String((gateway.address() as AddressInfo).port) };
  await expect(accessToken(environment)).rejects.toThrow(
    `there is no secret in ${join(data, 'secrets/administrator.secret')}: be in the folder of npm start`,
  );
  mkdirSync(join(data, 'secrets'));
  writeFileSync(join(data, 'secrets/administrator.secret'), 's\n');
  expect(await accessToken(environment)).toBe('t');
  expect(asked).toEqual([`Basic ${Buffer.from('administrator:s').toString('base64')}`]);
  await new Promise((resolve) => gateway.close(resolve));
});
