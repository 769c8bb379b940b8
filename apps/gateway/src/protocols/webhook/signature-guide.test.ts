import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { newSecret, publicKeyOf } from './secrets.js';
import { Signer } from './signature.js';

type Verify = (secret: string, headers: Record<string, string>, body: Buffer) => boolean;

it('the receivers that the guide shows accept what is sent, while a secret is changed too, and nothing else', async () => {
  const { verify, verifyPublic } = await guideCode();
  const [old, young, key] = [newSecret(), newSecret(), newSecret('v1a')];
  const signer = new Signer([young, old, key].map((secret) => ({ secret, createdAt: 'then' })));
  const body = Buffer.from('{"name":"Überprüfung"}');
  const now = Math.floor(Date.now() / 1000);
  const headersAt = (timestamp: number) => ({
    'webhook-id': 'e1',
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signer.sign('e1', timestamp, body),
  });
  for (const [check, secret] of [
    [verify, old],
    [verify, young],
    [verifyPublic, publicKeyOf(key)],
  ] as [Verify, string][]) {
    expect(check(secret, headersAt(now), body)).toBe(true);
    expect(check(secret, headersAt(now), Buffer.from('{}'))).toBe(false);
    expect(check(secret, { ...headersAt(now), 'webhook-id': 'e2' }, body)).toBe(false);
    expect(check(secret, headersAt(now - 301), body)).toBe(false);
  }
  expect(verify(newSecret(), headersAt(now), body)).toBe(false);
  expect(verifyPublic(publicKeyOf(newSecret('v1a')), headersAt(now), body)).toBe(false);
});

/** The code of the guide, as somebody who copies it would run it. */
async function guideCode(): Promise<{ verify: Verify; verifyPublic: Verify }> {
  const guide = await readFile('docs/guides/webhooks.md', 'utf8');
  const blocks = [...guide.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code);
  const folder = await mkdtemp(join(tmpdir(), 'guide-'));
  try {
    const file = join(folder, 'receiver.mjs');
    await writeFile(file, blocks.join('\n'));
    return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as { verify: Verify; verifyPublic: Verify };
  } finally {
    await rm(folder, { recursive: true });
  }
}
