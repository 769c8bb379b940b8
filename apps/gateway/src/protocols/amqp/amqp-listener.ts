import { Limits } from '../../limits/limits.js';
import { OwnPort } from '../own-port.js';
import type { AmqpDoor, AmqpDoors } from './amqp-door.js';

/** Plain AMQP 1.0 on a port of its own: over TLS where this process has a certificate. */
export class AmqpListener extends OwnPort {
  /** The listener that the settings ask for; none without a port. */
  static of(door: AmqpDoor, doors: AmqpDoors): AmqpListener | undefined {
    const { amqp, certificate, limits = new Limits(), host = '127.0.0.1', log } = doors;
    const port = amqp?.amqpPort;
    if (port === undefined) return undefined;
    return new AmqpListener({
      name: 'AMQP',
      setting: 'HEDDLE_AMQP_PORT',
      ...{ port, host, certificate, log },
      maxConnections: limits.values.limitConnections,
      accept: (socket) => door.accept(socket),
    });
  }
}
