import type { Socket } from 'node:net';
import { HeddleError } from '@heddle/event';
import { LOOPBACK } from '@heddle/runtime';
import { Limits } from '../../limits/limits.js';
import { type OwnPort, ownPortOf } from '../own-port.js';
import { identifyPassword } from '../password.js';
import type { Doors, OpenProtocol, Protocol } from '../protocol.js';
import type { Session } from '../sessions.js';
import { ByteSocket } from '../websocket/byte-socket.js';
import type { ConnectWish } from './connect.js';
import { Elsewhere, HANDED_ON } from './elsewhere.js';
import type { ConnectionHome } from './connection-home.js';
import { MqttConnection } from './mqtt.connection.js';
import { MQTT_VALUES } from './mqtt.settings.js';
import { MqttRefusal, REASONS } from './reason-codes.js';
import { sessionQueue } from './session-name.js';
import { SocketWire } from '../wire.js';

/** Where SAP Event Mesh has it, too. */
const PATH = '/protocols/mqtt311ws';
const SUBPROTOCOL = 'mqtt';

/** MQTT 3.1.1 and 5: over WebSocket, and on ports of its own over TCP and TLS where the settings name any. */
export const mqtt: Protocol = {
  name: 'mqtt',
  open(doors: Doors): OpenProtocol {
    const { hop, limits = new Limits(), values = MQTT_VALUES, log } = doors;
    const { mqtt: parts, namespaces, queues } = doors;
    if (parts === undefined || namespaces === undefined) return { close: () => undefined };
    const connections = new Set<{ close(): void }>();
    const elsewhere = new Elsewhere({ hop, path: PATH, log });
    const home: ConnectionHome = {
      values,
      limits,
      queues,
      hop,
      ...parts,
      namespaces,
      log,
      // Over WebSocket it was said in the upgrade.
      letIn: () => Promise.reject(new HeddleError('token-missing', 'Bring an access token.')),
      newId: (caller) => elsewhere.newId(caller),
      handOn: (caller, clientId, wire, begun) => elsewhere.join(caller, clientId, wire, begun),
      ended: (connection) => connections.delete(connection),
    };
    doors.sockets?.push({
      path: /^\/protocols\/mqtt311ws$/,
      subprotocol: SUBPROTOCOL,
      maxMessageBytes: values.mqttMaxPacketBytes,
      // Bearer or ticket of the upgrade say who it is; what CONNECT says of that is not looked at.
      admit: (_caller, url) => (client, socket, session) => {
        const here = url.searchParams.has(HANDED_ON) ? { ...home, handOn: notAgain(hop) } : home;
        connections.add(new MqttConnection(new ByteSocket(client, socket, session.address), here, session));
      },
    });
    const ports = portsOf(doors, (socket) => {
      const here = { ...home, letIn: (wish: ConnectWish) => letIn(doors, limits, wish, socket) };
      connections.add(new MqttConnection(new SocketWire(socket), here));
    });
    return {
      listen: () => Promise.all(ports.map((port) => port.listen())).then(() => undefined),
      async close() {
        for (const connection of connections) connection.close();
        elsewhere.close();
        parts.sessions.close();
        await Promise.all(ports.map((port) => port.stop()));
      },
    };
  },
};

/** A connection that was handed on to where the session is not any more. */
function notAgain(hop: Doors['hop']): ConnectionHome['handOn'] {
  return (caller, clientId) => {
    if (hop.elsewhere(caller.tenant, sessionQueue(caller.client, clientId)) === undefined) return false;
    throw new MqttRefusal(REASONS.serverUnavailable, 'The session is moving from one instance to another; try again.');
  };
}

/** Who comes by TCP says so in CONNECT: client id and secret, or an access token as the password. */
async function letIn(
  doors: Doors,
  limits: Limits,
  { username, password }: ConnectWish,
  socket: Socket,
): Promise<Session> {
  if (password === undefined) {
    throw new HeddleError(
      'token-missing',
      'Connect with client id and secret, or with an access token as the password.',
    );
  }
  const address = socket.remoteAddress ?? '';
  if (!limits.rates.takeToken(address).allowed) {
    throw new MqttRefusal(REASONS.connectionRateExceeded, 'This address tries more often than it may.');
  }
  try {
    const caller = await identifyPassword(doors.guard, { user: username ?? '', password });
    return doors.sessions.open(caller, socket);
  } catch (error) {
    doors.audit?.refused(error, { by: undefined, from: address, target: 'mqtt' });
    throw error;
  }
}

function portsOf(doors: Doors, accept: (socket: Socket) => void): OwnPort[] {
  const { values = MQTT_VALUES, certificate, host, tls } = doors;
  const { mqttPort, mqttTlsPort } = values;
  if (mqttPort !== undefined && tls === 'own' && host !== undefined && !LOOPBACK.test(host)) {
    throw new HeddleError('setting-invalid', 'HEDDLE_MQTT_PORT would be open without TLS: use HEDDLE_MQTT_TLS_PORT.');
  }
  if (mqttTlsPort !== undefined && certificate === undefined) {
    throw new HeddleError('setting-invalid', 'HEDDLE_MQTT_TLS_PORT needs HEDDLE_TLS=own, with certificate and key.');
  }
  return [
    ownPortOf(doors, { name: 'MQTT', setting: 'HEDDLE_MQTT_PORT', port: mqttPort, accept }),
    ownPortOf(doors, { name: 'MQTT', setting: 'HEDDLE_MQTT_TLS_PORT', port: mqttTlsPort, certificate, accept }),
  ].filter((port) => port !== undefined);
}
