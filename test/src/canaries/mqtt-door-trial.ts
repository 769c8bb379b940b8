import { type IPublishPacket, type Packet, generate, parser } from 'mqtt-packet';
import { WebSocket } from 'ws';

/** What a tenant does on one connection of MQTT. */
export interface MqttDoings {
  url: string;
  authorization: string;
  clientId: string;
  filters: readonly string[];
  publishes: readonly Pick<IPublishPacket, 'topic' | 'payload' | 'qos' | 'properties'>[];
  /** Of everything that comes, as it comes. */
  onBytes(bytes: Buffer): void;
}

const WILL = { topic: 'sap/will/K1', qos: 1, retain: false } as const;
const PATH = '/protocols/mqtt311ws';

/** A client of MQTT 5 that does all it was told at once, and acknowledges what it is given until it is closed. */
export async function openMqtt(doings: MqttDoings): Promise<{ close(): void }> {
  const { url, authorization, clientId, filters, publishes, onBytes } = doings;
  const socket = new WebSocket(url.replace('http', 'ws') + PATH, 'mqtt', { headers: { authorization } });
  const say = (packet: Packet): void => socket.send(generate(packet, { protocolVersion: 5 }));
  const reader = parser({ protocolVersion: 5 });
  reader.on('packet', (packet: Packet) => {
    if (packet.cmd !== 'publish' || packet.qos === 0) return;
    say({ cmd: 'puback', messageId: packet.messageId!, reasonCode: 0 });
  });
  socket.on('message', (data: Buffer) => {
    onBytes(data);
    reader.parse(data);
  });
  await new Promise<void>((resolve) => {
    socket.once('open', resolve);
    // Refused, which is an answer as well.
    socket.once('error', () => resolve());
  });
  if (socket.readyState !== socket.OPEN) return socket;
  const will = { ...WILL, payload: Buffer.from(clientId) };
  say({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clientId, clean: true, keepalive: 60, will });
  const subscriptions = filters.map((topic) => ({ topic, qos: 1 as const, rh: 0 as const }));
  if (filters.length > 0) say({ cmd: 'subscribe', messageId: 1, subscriptions });
  for (const [at, message] of publishes.entries()) {
    const messageId = message.qos === 0 ? {} : { messageId: at + 1 };
    say({ cmd: 'publish', dup: false, retain: true, ...message, ...messageId } as Packet);
  }
  return { close: () => socket.terminate() };
}
