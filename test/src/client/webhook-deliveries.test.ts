import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CloudEvent, WebhookAnswer, httpReceiver, webhookReceiver } from '@heddle/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { ADMIN, ClientTrial, RETRY, SOON } from './client-trial.js';

let trial: ClientTrial;

beforeAll(async () => {
  trial = await ClientTrial.start();
});

afterAll(() => trial.stop());

describe('a receiver of webhooks', () => {
  it('gives its consent, takes what is signed in every mode, and has no more when it wants no more', async () => {
    const events: CloudEvent[] = [];
    const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
    const receiver = webhookReceiver({
      secrets: [secret],
      consent: { origins: ['events.example.com'], ratePerMinute: 60_000 },
      handle: (event) => {
        if (event.subject === 'last') throw WebhookAnswer.noMore();
        events.push(event);
      },
    });
    const server = createServer(httpReceiver(receiver));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const wish = {
      url,
      types: [CONTRACT_SIGNED],
      retry: RETRY,
      secrets: [{ secret }],
      handshake: { origin: 'events.example.com', ratePerMinute: 600 },
    };
    const hooks = {
      structured: { ...wish, contentMode: 'structured' },
      binary: { ...wish, contentMode: 'binary' },
      batch: { ...wish, delivery: { batch: { size: 10, waitMs: 10 } } },
    };
    for (const [name, hook] of Object.entries(hooks)) {
      const events = [`${name}-1`, `${name}-2`];
      expect((await trial.gateway.ask(ADMIN, 'PUT', `/v1/webhooks/${name}`, hook)).status).toBe(201);
      const consented = async (): Promise<void> => {
        const { json } = await trial.gateway.ask(ADMIN, 'GET', `/v1/webhooks/${name}`);
        expect(json).toMatchObject({ state: 'active', handshake: { state: 'granted', ratePerMinute: 600 } });
      };
      await vi.waitFor(consented, SOON);
      await trial.publish(events);
      if (name === 'batch') break;
      await vi.waitFor(() => arrived(events), SOON);
      await trial.gateway.ask(ADMIN, 'DELETE', `/v1/webhooks/${name}`);
    }
    await vi.waitFor(
      () => arrived(['structured-1', 'structured-2', 'binary-1', 'binary-2', 'batch-1', 'batch-2']),
      SOON,
    );
    await trial.publish(['last']);
    const disabled = async (): Promise<void> => {
      const { json } = await trial.gateway.ask(ADMIN, 'GET', '/v1/webhooks/batch');
      expect(json).toMatchObject({ state: 'disabled' });
    };
    await vi.waitFor(disabled, SOON);
    await trial.gateway.ask(ADMIN, 'DELETE', '/v1/webhooks/batch');
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));

    function arrived(subjects: string[]): void {
      const own = events.filter(({ subject = '' }) => subjects.includes(subject));
      expect(own.map(({ subject }) => subject).toSorted()).toEqual(subjects.toSorted());
      for (const { data, subject } of own) expect(data).toMatchObject({ Contract: subject });
    }
  });
});
