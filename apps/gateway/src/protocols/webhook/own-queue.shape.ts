import { queueFields } from '../../queues/queue.shape.js';

const { types, topicPatterns, topics, filter, order, leaseMs, retry, deadLetters, ttlMs, maxInFlight, shape, start } =
  queueFields;
const { respectTtl, deadLetterQueue, maxRedeliveryCount } = queueFields;

/**
 * The fields of a queue in the body of a webhook that brings its own. None has a default here, so that what was left
 * out is told apart from what was asked for.
 */
export const queueSettings = {
  types,
  topicPatterns,
  topics,
  filter: filter.unwrap().optional(),
  order,
  leaseMs: leaseMs.unwrap().optional(),
  retry,
  deadLetters: deadLetters.unwrap().optional(),
  ttlMs,
  respectTtl: respectTtl.unwrap().optional(),
  deadLetterQueue,
  maxRedeliveryCount,
  maxInFlight: maxInFlight.unwrap().optional(),
  shape: shape.unwrap().optional(),
  start,
};
