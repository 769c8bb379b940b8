import type { Bench } from '../bench.js';
import { amqp } from './amqp.js';
import { consume } from './consume.js';
import { codec } from './codec.js';
import { fanOut } from './fan-out.js';
import { idleSockets } from './idle-sockets.js';
import { latency } from './latency.js';
import { mqtt } from './mqtt.js';
import { messagingrest } from './messagingrest.js';
import { outbox } from './outbox.js';
import { publish } from './publish.js';
import { pull } from './pull.js';
import { replay } from './replay.js';
import { stream } from './stream.js';
import { webhooks } from './webhooks.js';

/** Every bench, in the order `all` runs them. */
export const benches: readonly Bench[] = [
  codec,
  outbox,
  publish,
  messagingrest,
  latency,
  fanOut,
  idleSockets,
  webhooks,
  pull,
  amqp,
  mqtt,
  stream,
  replay,
  consume,
];
