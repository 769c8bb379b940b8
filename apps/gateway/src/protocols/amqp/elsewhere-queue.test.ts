import { describe, expect, it } from 'vitest';
import { callerFor } from '../../identity/identity-trial.js';
import { Namespaces } from '../../messages/namespaces.js';
import { MessageForms } from './amqp.frames.js';
import { ElsewhereQueue } from './elsewhere-queue.js';
import { readMessage } from './message-sections.js';

const HEADERS = { correlationid: 'order-1', replyto: 'queue:answers', priority: '7', amqpproperties: '{"count":5}' };
const EVENT = { specversion: '1.0', id: 'e-1', source: '/s', type: 'a.b', subject: '4711' };
const RECEIVER = { kind: 'amqp', name: 'test' } as const;

/** The message that an event is which another instance has leased. */
async function messageOf(event: Record<string, unknown>, state?: object) {
  const expiresAt = '2026-01-01T00:00:00Z';
  const delivery = { lease: 't', expiresAt, attempt: 3, redelivery: 'yes', appendedAt: 1000, event, state };
  const hop = { askQueue: () => Promise.resolve({ deliveries: [delivery] }) };
  const queue = new ElsewhereQueue(hop, callerFor(), 'q', RECEIVER, new MessageForms(new Namespaces()));
  const [taken] = await queue.take({ max: 1, leaseMs: 1000, mode: 'structured' }, undefined);
  return readMessage(Buffer.concat([taken!.prefix, taken!.bare]));
}

describe('a delivery of a queue at another instance', () => {
  it('is the bytes that were published, with what their message said of itself', async () => {
    const event = {
      ...EVENT,
      ...HEADERS,
      address: 'queue:q',
      partitionkey: 'g',
      datacontenttype: 'text/plain',
      data_base64: 'eA==',
    };
    const { properties, priority, applicationProperties, body } = await messageOf(event);
    expect(properties).toMatchObject({ messageId: 'e-1', to: 'queue:q', contentType: 'text/plain' });
    expect(properties).toMatchObject({
      correlationId: 'order-1',
      replyTo: 'queue:answers',
      subject: '4711',
      groupId: 'g',
    });
    expect([priority, applicationProperties.get('count')]).toEqual([7, 5]);
    expect((body as { data: Buffer }).data.toString()).toBe('x');
  });

  it('is an event as a whole, with what its message said of itself', async () => {
    const { properties, priority, applicationProperties, body } = await messageOf({
      ...EVENT,
      ...HEADERS,
      data: { a: 1 },
    });
    expect(properties).toMatchObject({ correlationId: 'order-1', replyTo: 'queue:answers', subject: undefined });
    expect([priority, applicationProperties.get('count')]).toEqual([7, 5]);
    expect(JSON.parse((body as { data: Buffer }).data.toString())).toMatchObject({ subject: '4711', data: { a: 1 } });
  });

  it('has the state of its object with it, where there is one', async () => {
    const of = async (state: object) => {
      const { body } = await messageOf({ ...EVENT, data: {} }, state);
      return JSON.parse((body as { data: Buffer }).data.toString()) as object;
    };
    expect(await of({ version: '7', object: { a: 1 } })).toMatchObject({ stateversion: '7', state: '{"a":1}' });
    expect(await of({ version: '8', gone: true })).toMatchObject({ stateversion: '8', stategone: true });
  });
});
