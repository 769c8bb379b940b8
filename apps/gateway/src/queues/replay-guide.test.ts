import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayTrial } from '../gateway-trial.js';
import type { Gateway } from '../gateway.js';
import { callerFor } from '../identity/identity-trial.js';

const ADMIN = callerFor();

const GUIDE = 'docs/guides/replay.md';
const run = promisify(execFile);

describe('the guide to replay', () => {
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
    const [walk = '', window = ''] = blocks('sh');
    const { stdout } = await sh(walk.replace(/^GATEWAY=.*$/m, `GATEWAY=${url}`));
    expect(stdout).toContain('"events":1,"isEstimate":false');
    expect(stdout).toContain('"state":"running"');
    expect(stdout).toContain('"attempt":1,"redelivery":"yes","cycle":');
    expect(stdout).toContain('"report":{"taken":1,"accepted":1,"dead":0,"dropped":0}');
    expect(stdout).not.toContain('"code":');
    const [replay] = gateway.engine.replays.list(ADMIN, 'archive');
    await vi.waitFor(() => expect(gateway.engine.replays.list(ADMIN, 'archive')[0]?.state).toBe('done'));
    const { stdout: made } = await sh(window.replaceAll(/http:\/\/127[^/]*/g, url));
    expect(made).toContain('"drained":true');
    for (const path of ['/v1/audit?action=queue.replay', '/v1/operations?kind=replay.done']) {
      await vi.waitFor(async () => expect(await ask(path)).toContain(replay!.id), { timeout: 10_000 });
    }
  });

  it('finds events by the index, wherever they stand', async () => {
    const [walk = ''] = blocks('sh');
    const { stdout } = await sh(walk.replace(/^GATEWAY=.*$/m, `GATEWAY=${url}`));
    const id = /"id":"(replay-\d+)"/.exec(stdout)?.[1] ?? '';
    const begun = await post('/v1/queues/archive/replay', { eventIds: [id] });
    expect(begun.status).toBe(202);
    const view = (await begun.json()) as { id: string; progress: { of: number } };
    expect(begun.headers.get('location')).toBe(`/v1/queues/archive/replays/${view.id}`);
    expect(view.progress.of).toBe(1);
    const received = await post('/v1/queues/archive/receive', { waitMs: 5000 });
    expect(await received.json()).toMatchObject({ deliveries: [{ cycle: view.id, event: { id } }] });
    const stopped = await post(`/v1/queues/archive/replays/${view.id}/stop`, {});
    expect(await stopped.json()).toMatchObject({ state: 'stopped' });
    for (const [body, field] of [
      [{ from: 'now' }, 'from'],
      [{ fromm: 'earliest' }, 'fromm'],
      [{ from: 'earliest', eventIds: [] }, 'eventIds'],
      [{ from: 'earliest', filter: [{ exact: {} }] }, 'filter.0.exact'],
      [{}, 'from'],
    ] as const) {
      const refused = await post('/v1/queues/archive/replay', body);
      expect(refused.status).toBe(422);
      expect(await refused.json()).toMatchObject({ field });
    }
    expect((await post('/v1/queues/nothing/replay', { from: 'earliest' })).status).toBe(404);
    expect((await trial.ask(ADMIN, 'GET', '/v1/queues/archive/replays/nothing')).status).toBe(404);
  });

  /** As somebody would who has a token; a later block of the guide counts on what an earlier one has said. */
  function sh(script: string): Promise<{ stdout: string }> {
    return run('sh', ['-c', `HEDDLE_TOKEN=${token}\nAUTH="authorization: Bearer ${token}"\n${script}`]);
  }

  function blocks(language: string): string[] {
    const guide = readFileSync(GUIDE, 'utf8');
    return [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(([, code]) => code ?? '');
  }

  async function ask(path: string): Promise<string> {
    return (await fetch(url + path, { headers: { authorization: `Bearer ${token}` } })).text();
  }

  function post(path: string, body: unknown): Promise<Response> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    return fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  }
});
