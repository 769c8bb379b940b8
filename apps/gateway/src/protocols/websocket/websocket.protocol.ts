import type { Doors, OpenProtocol, Protocol } from '../protocol.js';
import { QueueConnections } from './queue-connections.js';
import { streamRoute } from './stream-connection.js';
import { Upgrades } from './upgrades.js';

/** WebSockets: live streams at `/v1/stream` (`cloudevents.json`), queues at their `connect` (`heddle.v1`). */
export const websocket: Protocol = {
  name: 'websocket',
  open({ server, streams, queues, log }: Doors): OpenProtocol {
    const connections = new QueueConnections(queues, log);
    const upgrades = new Upgrades(server.server, [streamRoute(streams), connections.route]);
    return {
      close() {
        connections.close();
        return upgrades.stop();
      },
    };
  },
};
