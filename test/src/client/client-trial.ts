import { expect } from 'vitest';
import { GatewayTrial } from '../../../apps/gateway/src/gateway-trial.js';
import { callerFor } from '../../../apps/gateway/src/identity/identity-trial.js';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { contractEvent } from '../support/publishing.js';

/** What is waited for may take seconds on a busy machine. */
export const SOON = { timeout: 10_000 };
export const RETRY = { firstMs: 20, factor: 1, jitter: 0, attempts: 3 };
export const ADMIN = callerFor();

/** A whole gateway in memory, and what tests of its receivers do there. */
export class ClientTrial {
  #queues = 0;

  private constructor(readonly gateway: GatewayTrial) {}

  static async start(): Promise<ClientTrial> {
    return new ClientTrial(await GatewayTrial.start());
  }

  get url(): string {
    return this.gateway.url;
  }

  stop(): Promise<void> {
    return this.gateway.stop();
  }

  /** Where it is, and a token for everything. */
  options(): { url: string; token: string } {
    return { url: this.url, token: this.tokenOf(['*']) };
  }

  tokenOf(permissions: string[]): string {
    return this.gateway.guard.tokenFor(callerFor('local', permissions));
  }

  /** A new queue of contracts. */
  async newQueue(): Promise<string> {
    const name = `client-${(this.#queues += 1)}`;
    const { status } = await this.gateway.ask(ADMIN, 'PUT', `/v1/queues/${name}`, {
      types: [CONTRACT_SIGNED],
      retry: RETRY,
    });
    expect(status).toBe(201);
    return name;
  }

  async read(queue: string): Promise<{ statistics: object }> {
    return (await this.gateway.ask(ADMIN, 'GET', `/v1/queues/${queue}`)).json as never;
  }

  /** Publishes a contract for each of these keys. */
  async publish(keys: readonly string[]): Promise<{ id: string; subject: string }[]> {
    const events = keys.map((subject) => contractEvent(subject, { subject }));
    const headers = { 'content-type': 'application/cloudevents-batch+json' };
    const answer = await this.gateway.ask(ADMIN, 'POST', '/v1/events', events, headers);
    expect(answer.status, answer.text).toBe(202);
    return events as never;
  }
}
