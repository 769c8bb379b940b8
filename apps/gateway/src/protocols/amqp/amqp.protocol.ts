import type { Doors, OpenProtocol, Protocol } from '../protocol.js';
import { AmqpDoor } from './amqp-door.js';

/** AMQP 1.0: as a WebSocket at `/protocols/amqp10ws`, and where a port is set for it, over TCP or TLS. */
export const amqp: Protocol = {
  name: 'amqp',
  open(doors: Doors): OpenProtocol {
    const door = new AmqpDoor(doors);
    doors.sockets?.push(door.route);
    const port = door.ownPort();
    return {
      listen: async () => port?.listen(),
      async close() {
        door.close();
        await port?.stop();
      },
    };
  },
};
