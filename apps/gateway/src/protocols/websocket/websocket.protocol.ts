import type { Doors, OpenProtocol, Protocol } from '../protocol.js';
import { streamRoute } from './stream-connection.js';
import { Upgrades } from './upgrades.js';

/** WebSockets: live streams at `/v1/stream` (`cloudevents.json`). */
export const websocket: Protocol = {
  name: 'websocket',
  open({ server, streams }: Doors): OpenProtocol {
    const upgrades = new Upgrades(server.server, [streamRoute(streams)]);
    return { close: () => upgrades.stop() };
  },
};
