import { type Server, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { HeddleError } from '@heddle/event';
import { Limits } from '../../limits/limits.js';
import type { Doors, OpenProtocol, Protocol } from '../protocol.js';
import type { Session } from '../sessions.js';
import type { SocketRoute } from '../websocket/socket-route.js';
import type { ConnectWish } from './connect.js';
import { Elsewhere, HANDED_ON } from './elsewhere.js';
import type { ConnectionHome } from './connection-home.js';
import { MqttConnection } from './mqtt.connection.js';
import { MQTT_VALUES } from './mqtt.settings.js';
import { MqttRefusal, REASONS } from './reason-codes.js';
import { sessionQueue } from './session-name.js';
import { TcpWire, WebSocketWire, type Wire } from './wire.js';

/** Where SAP Event Mesh has it, too. */
const PATH = '/protocols/mqtt311ws';
const SUBPROTOCOL = 'mqtt';
/** Three parts with dots between them: an access token rather than a secret. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const MAX_PASSWORD = 16 * 1024;
const LOCALHOST = '127.0.0.1';
const LOOPBACK = /^(?:127\.|localhost$|::1$)/;

/** MQTT 3.1.1 and 5: over WebSocket, and on ports of its own over TCP and TLS where the settings name any. */
export const mqtt: Protocol = {
  name: 'mqtt',
  open(doors: Doors): OpenProtocol {
    const { hop, limits = new Limits(), values = MQTT_VALUES, log } = doors;
    const { mqtt: parts, namespaces, publisher, queues } = doors;
    if (parts === undefined || namespaces === undefined) return { close: () => undefined };
    const connections = new Set<{ close(): void }>();
    const elsewhere = new Elsewhere({ hop, path: PATH, log });
    const home: ConnectionHome = {
      values,
      publisher,
      limits,
      queues,
      hop,
      ...parts,
      namespaces,
      log,
      letIn: (wish, wire) => letIn(doors, limits, wish, wire),
      handOn: (caller, clientId, wire, begun) => elsewhere.join(caller, clientId, wire, begun),
      ended: (connection) => connections.delete(connection),
    };
    const begin = (wire: Wire, admitted?: Session, isHandedOn = false): void => {
      const here = isHandedOn ? { ...home, handOn: notAgain(hop) } : home;
      connections.add(new MqttConnection(wire, here, admitted));
    };
    doors.sockets?.push(socketRoute(values.mqttMaxPacketBytes, limits.values.limitSlowMs, begin));
    const servers = serversOf(doors, (socket) => begin(new TcpWire(socket, limits.values.limitSlowMs)));
    return {
      listen: () => Promise.all(servers.map(({ server, port }) => listenOn(server, port, doors))).then(() => undefined),
      async close() {
        for (const connection of connections) connection.close();
        elsewhere.close();
        parts.sessions.close();
        await Promise.all(servers.map(({ server }) => new Promise((resolve) => server.close(resolve))));
      },
    };
  },
};

/** Bearer or ticket of the upgrade say who it is; what CONNECT says of that is not looked at. */
function socketRoute(
  maxBytes: number,
  slowMs: number,
  begin: (wire: Wire, admitted: Session, isHandedOn: boolean) => void,
): SocketRoute {
  return {
    path: /^\/protocols\/mqtt311ws$/,
    subprotocol: SUBPROTOCOL,
    maxMessageBytes: maxBytes,
    admit: (_caller, url) => (client, socket, session) =>
      begin(new WebSocketWire(client, socket, slowMs), session, url.searchParams.has(HANDED_ON)),
  };
}

/** A connection that was handed on to where the session is not any more. */
function notAgain(hop: Doors['hop']): ConnectionHome['handOn'] {
  return (caller, clientId) => {
    if (hop.elsewhere(caller.tenant, sessionQueue(caller.client, clientId)) === undefined) return false;
    throw new MqttRefusal(REASONS.serverUnavailable, 'The session is moving from one instance to another; try again.');
  };
}

/** Who comes by TCP says so in CONNECT: client id and secret, or an access token as the password. */
async function letIn(doors: Doors, limits: Limits, { username, password }: ConnectWish, wire: Wire): Promise<Session> {
  if (password === undefined || password.length > MAX_PASSWORD) {
    throw new HeddleError(
      'token-missing',
      'Connect with client id and secret, or with an access token as the password.',
    );
  }
  const { socket } = wire;
  const address = socket.remoteAddress ?? '';
  if (!limits.rates.takeToken(address).allowed) {
    throw new MqttRefusal(REASONS.connectionRateExceeded, 'This address tries more often than it may.');
  }
  const isToken = TOKEN.test(password);
  const caller = isToken
    ? await doors.guard.identifyToken(password)
    : await doors.guard.identifyCredentials(username ?? '', password);
  return doors.sessions.open(caller, socket);
}

function serversOf(
  { values = MQTT_VALUES, certificate, host = LOCALHOST, tls }: Doors,
  onSocket: (socket: Socket) => void,
): { server: Server; port: number }[] {
  const servers: { server: Server; port: number }[] = [];
  const { mqttPort, mqttTlsPort } = values;
  if (mqttPort !== undefined && tls === 'own' && !LOOPBACK.test(host)) {
    throw new HeddleError('setting-invalid', 'HEDDLE_MQTT_PORT would be open without TLS: use HEDDLE_MQTT_TLS_PORT.');
  }
  if (mqttPort !== undefined) servers.push({ server: createServer(onSocket), port: mqttPort });
  if (mqttTlsPort === undefined) return servers;
  if (certificate === undefined) {
    throw new HeddleError('setting-invalid', 'HEDDLE_MQTT_TLS_PORT needs HEDDLE_TLS=own, with certificate and key.');
  }
  const server = createTlsServer({ ...certificate, handshakeTimeout: 10_000 }, onSocket);
  server.on('tlsClientError', () => undefined);
  return [...servers, { server, port: mqttTlsPort }];
}

async function listenOn(server: Server, port: number, { host = LOCALHOST, limits, log }: Doors): Promise<void> {
  if (limits !== undefined) server.maxConnections = limits.values.limitConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const why = `MQTT cannot listen on ${host}:${port}: ${cause.message}.`;
      reject(new HeddleError('setting-invalid', why, { cause }));
    });
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      server.on('error', (error) =>
        log.warn({ event: 'mqtt-socket-failed', err: error }, 'a connection was not taken'),
      );
      resolve();
    });
  });
  const { port: bound } = server.address() as AddressInfo;
  log.info({ event: 'mqtt-listening', host, port: bound }, `MQTT on ${host}:${bound}`);
}
