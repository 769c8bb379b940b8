import { createHmac, randomBytes } from 'node:crypto';

/** A request of a sender, signed now. */
export interface SignedRequest {
  headers: Record<string, string>;
  body: string;
}

export function newTrialSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/** An event as tests make them. */
export function trialEvent(id: string, different: object = {}): Record<string, unknown> {
  return {
    specversion: '1.0',
    id,
    source: '/trial',
    type: 'trial.Happened.v1',
    data: { name: 'Überprüfung' },
    ...different,
  };
}

/** A delivery as the gateway makes it: of one event, or of a list of them as a batch. */
export function signedRequest(secret: string, content: unknown, more: Record<string, string> = {}): SignedRequest {
  const body = JSON.stringify(content);
  const timestamp = String(Math.floor(Date.now() / 1000));
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const mac = createHmac('sha256', key).update(`m-1.${timestamp}.${body}`).digest('base64');
  const type = Array.isArray(content) ? 'application/cloudevents-batch+json' : 'application/cloudevents+json';
  return {
    body,
    headers: {
      'content-type': `${type}; charset=utf-8`,
      'webhook-id': 'm-1',
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${mac}`,
      ...more,
    },
  };
}
