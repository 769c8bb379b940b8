import type { Access } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { answerProblem } from '@heddle/runtime';
import { Limits } from '../../limits/limits.js';
import type { Doors, OpenProtocol, Protocol } from '../protocol.js';
import { QueueConnections } from './queue-connections.js';
import { HEDDLE_V1 } from './queue.frames.js';
import { streamRoute } from './stream-connection.js';
import { Upgrades } from './upgrades.js';

const ACCESS: Access = { verb: 'consume', kind: 'queue', param: 'name' };

/** WebSockets: live streams at `/v1/stream` (`cloudevents.json`), queues at their `connect` (`heddle.v1`). */
export const websocket: Protocol = {
  name: 'websocket',
  open(doors: Doors): OpenProtocol {
    const { server, streams, queues, guard, limits = new Limits(), sockets = [], log } = doors;
    // Without the upgrade, as a browser's address line would ask.
    server.get('/v1/queues/:name/connect', { config: { access: ACCESS } }, (_request, reply) =>
      answerProblem(
        reply.header('upgrade', 'websocket').header('connection', 'upgrade'),
        new HeddleError('upgrade-required', `Connect as a WebSocket, with the subprotocol ${HEDDLE_V1}.`),
        log,
      ),
    );
    const connections = new QueueConnections(queues, guard, log, limits);
    const routes = [streamRoute(streams, limits.values), connections.route, ...sockets];
    const upgrades = new Upgrades(server.server, routes, { ...doors, limits });
    return {
      close() {
        connections.close();
        return upgrades.stop();
      },
    };
  },
};
