import { HeddleError } from '@heddle/event';
import type { Link, LinkSession } from './link.js';
import type { Attach } from './performatives.js';
import { PublishLink } from './publish-link.js';
import { QueueLink } from './queue-link.js';
import { TopicLink } from './topic-link.js';

/**
 * Opens the other end of a link that a client attaches, and answers it.
 *
 * @throws HeddleError why there is none
 */
export function openLink(session: LinkSession, attach: Attach): Link {
  if (!attach.isReceiver) return new PublishLink(session, attach);
  const { source } = attach;
  const address = source?.address;
  if (source === undefined || address === undefined || source.dynamic) {
    throw sourceInvalid('address', 'The source of a receiver is queue:<name> or topic:<pattern>.');
  }
  if (source.hasFilter) throw sourceInvalid('filter', 'Sources have no filters here: give the queue one.');
  if (source.distributionMode === 'copy') {
    throw sourceInvalid('distribution-mode', 'Queues are not browsed over AMQP: copy is not known here.');
  }
  return address.startsWith('topic:')
    ? new TopicLink(session, attach, source)
    : new QueueLink(session, attach, address);
}

function sourceInvalid(field: string, message: string): HeddleError {
  return new HeddleError('parameter-invalid', message, { field: `source.${field}` });
}
