/** Queues and topics over AMQP 1.0, as the AsyncAPI document has them. */
export function amqpChannels(eventTypes: readonly string[], toPublish: readonly string[]): object {
  const servers = [{ $ref: '#/servers/gatewayAmqp' }];
  const parameters = { name: { description: 'of a queue, or of a topic with its segments' } };
  return {
    'amqp-receive': {
      address: 'queue:{name}',
      title: 'A queue, as the source of an AMQP link',
      description:
        'Credit, deliveries under leases, outcomes; topic:{name} is what is published while the link is there.',
      servers,
      parameters,
      messages: references(eventTypes),
    },
    'amqp-publish': {
      address: 'topic:{name}',
      title: 'A topic, as the target of an AMQP link',
      description:
        'Or queue:{name}, or none at all, and properties.to in each message. Any bytes are taken under topics that no event type has.',
      servers,
      parameters,
      messages: references(toPublish),
    },
  };
}

export const amqpOperations = {
  'receive-over-amqp': {
    action: 'send',
    channel: { $ref: '#/channels/amqp-receive' },
    summary: 'An event, until its delivery is accepted or given up',
  },
  'publish-over-amqp': {
    action: 'receive',
    channel: { $ref: '#/channels/amqp-publish' },
    summary: 'A message, accepted when all in-sync replicas have it',
  },
};

function references(names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]));
}
