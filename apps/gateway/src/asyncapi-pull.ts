import { z } from 'zod';
import { FRAME_EXAMPLES } from './protocols/websocket/queue-frame-examples.js';
import { receiveShape, receivedShape, settleShape, settledShape } from './protocols/pull/pull.shape.js';

/** What a queue is asked over HTTP and what it answers, by name: shape, summary and an example of each. */
const BODIES = {
  'pull.receive': [receiveShape, 'input', 'Asks for deliveries', { max: 100, waitMs: 20_000 }],
  'pull.deliveries': [receivedShape, 'output', 'Deliveries, each under a lease', bodyOf('deliveries')],
  'pull.settle': [settleShape, 'input', 'Says what became of leases', bodyOf('settle')],
  'pull.settled': [settledShape, 'output', 'Each settlement, once all are durable', bodyOf('settled')],
} as const;

export const pullMessages = Object.fromEntries(
  Object.entries(BODIES).map(([name, [shape, io, summary, example]]) => [
    name,
    {
      name,
      summary,
      contentType: 'application/json',
      payload: jsonSchema(shape, io),
      examples: [{ payload: example }],
    },
  ]),
) as Record<string, object>;

export const pullChannels = {
  'pull-receive': pullChannel('receive', ['pull.receive', 'pull.deliveries']),
  'pull-settle': pullChannel('settle', ['pull.settle', 'pull.settled']),
};

export const pullOperations = {
  'receive-deliveries': pullOperation('pull-receive', 'pull.receive', 'pull.deliveries'),
  'settle-deliveries': pullOperation('pull-settle', 'pull.settle', 'pull.settled'),
};

/** A shape as the document has it. */
export function jsonSchema(shape: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(shape, { io, target: 'draft-7', unrepresentable: 'any' });
  return schema;
}

function pullChannel(path: string, messages: readonly (keyof typeof BODIES)[]): object {
  return {
    address: `/v1/queues/{name}/${path}`,
    title: 'A queue over HTTP',
    description: 'For whoever comes and asks: deliveries under leases, and what became of them.',
    servers: [{ $ref: '#/servers/gateway' }],
    parameters: { name: { description: 'the name of the queue' } },
    messages: Object.fromEntries(messages.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
  };
}

function pullOperation(channel: string, request: string, answer: string): object {
  const messagesOf = (name: string): object[] => [{ $ref: `#/channels/${channel}/messages/${name}` }];
  return {
    action: 'receive',
    channel: { $ref: `#/channels/${channel}` },
    messages: messagesOf(request),
    bindings: { http: { method: 'POST', bindingVersion: '0.3.0' } },
    reply: { channel: { $ref: `#/channels/${channel}` }, messages: messagesOf(answer) },
  };
}

/** A body over HTTP is a frame of `heddle.v1` without its kind and id. */
function bodyOf(frame: 'deliveries' | 'settle' | 'settled'): object {
  const { kind: _kind, id: _id, ...body } = FRAME_EXAMPLES[frame] as Record<string, unknown>;
  return body;
}
