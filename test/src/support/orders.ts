import { createOrder, createPartner } from '@heddle/infra';
import { expect, vi } from 'vitest';
import { type Answer, call } from './http-call.js';

/** Keys that no other test has: S/4 numbers have ten digits at most. */
export function freshKey(): string {
  return String(1_000_000_000 + Math.floor(Math.random() * 8_999_999_999)).slice(0, 10);
}

/** Sales orders over REST, as a user of the service would work with them. */
export class Orders {
  constructor(
    private readonly partnersUrl: string,
    private readonly ordersUrl: string,
  ) {}

  /** Creates a partner; resolves with its key. Orders may not know it yet. */
  async partner(key = freshKey(), name = 'Alder & Birch Ltd'): Promise<string> {
    const answer = await call('POST', `${this.partnersUrl}/business-partners`, { body: createPartner(key, name) });
    expect(answer, answer.text).toMatchObject({ status: 201 });
    return key;
  }

  /** Creates a partner, and waits until orders may name it. */
  async knownPartner(): Promise<string> {
    const partner = await this.partner();
    await this.whenKnown(partner);
    return partner;
  }

  /** Orders learn of partners by their events: this waits until they have, with an order that is made on the way. */
  async whenKnown(partner: string): Promise<string> {
    const key = freshKey();
    await vi.waitFor(async () => expect(await this.create(key, partner)).toMatchObject({ status: 201 }), {
      timeout: 20_000,
      interval: 50,
    });
    return key;
  }

  create(key: string, partner: string): Promise<Answer> {
    return call('POST', `${this.ordersUrl}/sales-orders`, { body: createOrder(key, partner) });
  }

  read(key: string): Promise<Answer> {
    return call('GET', `${this.ordersUrl}/sales-orders/${key}`);
  }

  change(key: string, patch: object, ifMatch?: string): Promise<Answer> {
    const headers = ifMatch === undefined ? {} : { 'if-match': ifMatch };
    return call('PATCH', `${this.ordersUrl}/sales-orders/${key}`, { headers, body: patch });
  }

  delete(key: string, ifMatch: string): Promise<Answer> {
    return call('DELETE', `${this.ordersUrl}/sales-orders/${key}`, { headers: { 'if-match': ifMatch } });
  }
}
