import { openApiDocument } from '@heddle/runtime';
import type { Flow } from './flow.shape.js';
import { flowsShape, messageShape, messagesQuery, messagesShape } from './monitor/monitor.shape.js';
import { z } from 'zod';

const path = '/messages/{id}';

/** Every operation: the monitor's, and the paths that these flows take messages at. */
export function flowsOpenApi(flows: readonly Flow[]): object {
  const taken = z.object({ id: z.string().describe('of the message'), entry: z.string().describe('in the monitor') });
  const doors = flows.flatMap(({ name, about, from: { http } }) =>
    http === undefined
      ? []
      : [
          {
            method: 'POST' as const,
            path: `/http${http.path}`,
            summary: about ?? `Hands a message to the flow ${name}`,
            headers: { 'idempotency-key': 'Names the message: a repeat is known by it' },
            body: { '*/*': z.unknown() },
            status: 202,
            response: taken,
            errors: ['parameter-invalid', 'data-invalid', 'gateway-unavailable'] as const,
          },
        ],
  );
  return openApiDocument('Heddle: integration flows', 'What becomes of messages in integration flows.', [
    {
      method: 'GET',
      path: '/flows',
      summary: 'The flows, and how many messages of each are in which state',
      status: 200,
      response: flowsShape,
      errors: [],
    },
    {
      method: 'GET',
      path: '/messages',
      summary: 'Messages, the newest first, 50 a page',
      query: messagesQuery,
      status: 200,
      response: messagesShape,
      errors: ['data-invalid'],
    },
    {
      method: 'GET',
      path,
      summary: 'A message with its last attempt',
      status: 200,
      response: messageShape,
      errors: ['not-found'],
    },
    {
      method: 'POST',
      path: `${path}/retry`,
      summary: 'Puts a message that was given up back into its queue',
      status: 202,
      response: messageShape,
      errors: ['not-found', 'conflict', 'gateway-unavailable'],
    },
    {
      method: 'POST',
      path: `${path}/cancel`,
      summary: 'Has a message given up when it comes again',
      status: 202,
      response: messageShape,
      errors: ['not-found', 'conflict'],
    },
    ...doors,
  ]);
}
