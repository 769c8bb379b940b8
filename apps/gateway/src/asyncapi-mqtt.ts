/** Ports of MQTT without WebSocket. */
export interface MqttPorts {
  mqttPort?: number | undefined;
  mqttTlsPort?: number | undefined;
}

/** The servers that speak MQTT: over WebSocket always, on ports of their own where there are any. */
export function mqttServers(
  baseUrl: string,
  { mqttPort, mqttTlsPort }: MqttPorts,
  security: readonly object[],
): object {
  const { host, hostname, protocol } = new URL(baseUrl);
  const isSecure = protocol === 'https:';
  const of = (at: { host: string; pathname?: string }, name: string): object => ({
    ...at,
    protocol: name,
    protocolVersion: '5.0',
    description: 'MQTT 3.1.1 and 5',
    security,
  });
  return {
    mqttWebSocket: of({ host, pathname: '/protocols/mqtt311ws' }, isSecure ? 'wss' : 'ws'),
    ...(mqttPort === undefined ? {} : { mqtt: of({ host: `${hostname}:${mqttPort}` }, 'mqtt') }),
    ...(mqttTlsPort === undefined ? {} : { mqttTls: of({ host: `${hostname}:${mqttTlsPort}` }, 'secure-mqtt') }),
  };
}

/** Topics of MQTT; those of event types are the types with slashes. */
export function mqttChannel(messages: object): object {
  return {
    address: '{topic}',
    title: 'MQTT',
    description:
      'The topic of an event type is <namespace>/ce/<type, its dots as slashes>; other topics carry any bytes. In MQTT 5 events are in binary mode (user properties), in MQTT 3.1.1 structured JSON.',
    servers: [{ $ref: '#/servers/mqttWebSocket' }],
    parameters: { topic: { description: 'a topic of 2 to 20 segments, queue:<name>, or $share/<group>/<filter>' } },
    messages,
  };
}

export const mqttOperations = {
  'deliver-over-mqtt': {
    action: 'send',
    channel: { $ref: '#/channels/mqtt' },
    summary: 'A message to a subscription, once more until it is acknowledged',
    bindings: { mqtt: { qos: 1, retain: false, bindingVersion: '0.2.0' } },
  },
  'publish-over-mqtt': {
    action: 'receive',
    channel: { $ref: '#/channels/mqtt' },
    summary: 'A message, acknowledged when all in-sync replicas have it',
    bindings: { mqtt: { qos: 1, retain: false, bindingVersion: '0.2.0' } },
  },
};
