import { createHash } from 'node:crypto';

/** What stands in front of the queues of sessions, and of groups that share a subscription. */
const SESSION = 'mqtt-session';
const SHARE = 'mqtt-share';
/** What may stand in a segment of a queue's name as it is. */
const PLAIN = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/;
const HASHED = 'x-';

/**
 * The queue of a session: `mqtt-session/<client>/<client id>`. The client is in it, so that nobody takes over the session of
 * somebody else of the same tenant; an id that is no name is hashed.
 */
export function sessionQueue(client: string, clientId: string): string {
  return `${SESSION}/${segment(client)}/${segment(clientId)}`;
}

/** The queue of a group: `mqtt-share/<client>/<group>/<hash of the filter>`; of one client too, whose rights it has. */
export function shareQueue(client: string, group: string, filter: string): string {
  return `${SHARE}/${segment(client)}/${segment(group)}/${hash(filter)}`;
}

/** One name for each text: what looks like a hash is hashed itself. */
function segment(text: string): string {
  return PLAIN.test(text) && !text.startsWith(HASHED) ? text : hash(text);
}

function hash(text: string): string {
  return HASHED + createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
