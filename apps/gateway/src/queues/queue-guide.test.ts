import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayTrial } from '../gateway-trial.js';
import type { Gateway } from '../gateway.js';
import { callerFor } from '../identity/identity-trial.js';

const ADMIN = callerFor();

const GUIDE = 'docs/guides/queues.md';
const run = promisify(execFile);

describe('the guide to queues', () => {
  let trial: GatewayTrial;
  let gateway: Gateway;
  let url: string;
  let token: string;

  beforeEach(async () => {
    trial = await GatewayTrial.start();
    ({ gateway, url } = trial);
    token = trial.guard.tokenFor(ADMIN);
  });

  afterEach(() => trial.stop());

  it('has a walk that works as it stands', async () => {
    const walk = /```sh\n([^]*?)```/.exec(readFileSync(GUIDE, 'utf8'))?.[1] ?? '';
    const here = walk.replace(/^GATEWAY=.*$/m, `GATEWAY=${url}`);
    const { stdout } = await sh(here);
    expect(stdout).toContain('"duplicate":false');
    expect(stdout).toContain('"attempt":1,"redelivery":"no"');
    expect(stdout).toContain('"state":"released","dueAt":');
    expect(stdout).toContain('"attempt":2,"redelivery":"yes"');
    expect(stdout).toContain('"state":"accepted"');
    expect(stdout).not.toContain('"code":');
    expect(gateway.engine.queues.get(ADMIN, 'contracts').statistics).toMatchObject({
      ready: 0,
      leased: 0,
      waiting: 0,
      lag: 0,
    });
  });

  /** As somebody would who has a token. */
  function sh(script: string): Promise<{ stdout: string }> {
    return run('sh', ['-c', `HEDDLE_TOKEN=${token}\n${script}`]);
  }
});
