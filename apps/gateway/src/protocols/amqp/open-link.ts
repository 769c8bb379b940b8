import { HeddleError } from '@heddle/event';
import type { Link, LinkSession } from './link.js';
import type { Attach } from './performatives.js';
import { NO_TEMPORARY, PublishLink } from './publish-link.js';
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
  if (source?.dynamic === true) throw notOffered('dynamic', NO_TEMPORARY);
  const address = source?.address;
  if (source === undefined || address === undefined) {
    throw new HeddleError('parameter-invalid', 'The source of a receiver is queue:<name> or topic:<pattern>.', {
      field: 'source.address',
    });
  }
  // Whoever is not given what it asks for must not take what it gets for that (part 3, section 3.5.8).
  if (source.hasFilter) {
    throw notOffered('filter', 'Links have no selectors or other filters: give the queue a filter.');
  }
  if (address.startsWith('topic:')) return new TopicLink(session, attach, source);
  if (source.distributionMode === 'copy') {
    throw notOffered('distribution-mode', 'Queues are not browsed: what is received from them is leased.');
  }
  return new QueueLink(session, attach, address);
}

function notOffered(field: string, message: string): HeddleError {
  return new HeddleError('not-implemented', message, { field: `source.${field}` });
}
