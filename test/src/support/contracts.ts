import { expect, vi } from 'vitest';
import { type Answer, call } from './http-call.js';

/** Numbers that no other test has. */
function freshContract(): string {
  return `C-${String(Math.floor(Math.random() * 1e12)).padStart(12, '0')}`;
}

/** Contracts over REST, as a user of the service would work with them. */
export class Contracts {
  constructor(private readonly url: string) {}

  /** Drafts a contract with a partner, once the service has heard of that. */
  async draft(partner: string, key = freshContract()): Promise<string> {
    const body = { Contract: key, Title: 'Supply of bearings', Counterparty: partner, ValidFrom: '2026-04-01' };
    await vi.waitFor(
      async () => expect(await call('POST', `${this.url}/contracts`, { body })).toMatchObject({ status: 201 }),
      { timeout: 20_000, interval: 50 },
    );
    return key;
  }

  read(key: string): Promise<Answer> {
    return call('GET', `${this.url}/contracts/${key}`);
  }

  put(key: string, body: Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
    const type = { 'content-type': 'application/pdf' };
    return call('PUT', `${this.url}/contracts/${key}/document`, { headers: { ...type, ...headers }, body });
  }

  sign(key: string, ifMatch: string): Promise<Answer> {
    const body = { SignedBy: 'Head of Purchasing' };
    return call('POST', `${this.url}/contracts/${key}/signature`, { headers: { 'if-match': ifMatch }, body });
  }

  terminate(key: string): Promise<Answer> {
    return call('POST', `${this.url}/contracts/${key}/termination`, { body: { Reason: 'Notice was given.' } });
  }
}
