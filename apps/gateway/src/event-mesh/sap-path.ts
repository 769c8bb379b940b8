/** Where the doors of SAP Event Mesh stand. */
export const MESSAGING = '/messagingrest/v1';
export const EVENTS = '/sap/ems/v1';
export const MANAGEMENT = '/hub/rest/api/v1/management/messaging';
/** The same management as the edition in Integration Suite has it. */
const OTHER_MANAGEMENT = '/sap-event-mesh/rest/api/v1';

/**
 * What may stand in a path: what comes before a name, the name, and what comes after it, in the order in which they are
 * tried. A name is as long as its form lets it be, but for that of a queue with subscriptions, which ends at the first
 * `/subscriptions`: behind it comes a pattern, which has slashes, too.
 */
const FORMS: readonly RegExp[] = [
  new RegExp(`^(${MESSAGING}/queues/)(.+)(/messages/consumption)$`),
  new RegExp(`^(${MESSAGING}/queues/)(.+)(/messages/[^/]+/acknowledgement)$`),
  new RegExp(`^(${MESSAGING}/(?:queues|topics)/)(.+)(/messages)$`),
  new RegExp(`^((?:${MESSAGING}|${EVENTS}/events)/subscriptions/)(.+)(/(?:handshake|state))$`),
  new RegExp(`^((?:${MESSAGING}|${EVENTS}/events)/subscriptions/)(.+)()$`),
  new RegExp(`^(${MANAGEMENT}/queues/)(.+?)(/subscriptions)(?:/(.+))?$`),
  new RegExp(`^(${MANAGEMENT}/queues/)(.+)(/statistics)$`),
  new RegExp(`^(${MANAGEMENT}/queues/)(.+)()$`),
];
/** Where statistics stood before it was known how clients of SAP Event Mesh ask for them; still answered. */
const FORMER: readonly (readonly [former: RegExp, now: string])[] = [
  [new RegExp(`^${MANAGEMENT}/statistics/queues$`), `${MANAGEMENT}/queuesStatistics`],
  [new RegExp(`^${MANAGEMENT}/statistics/queues/(.+)$`), `${MANAGEMENT}/queues/$1/statistics`],
  [new RegExp(`^${MANAGEMENT}/statistics/instance$`), `${MANAGEMENT}/statistics`],
  [new RegExp(`^${MANAGEMENT}/statistics/resources$`), `${MANAGEMENT}/resourceusage`],
];
const ANY_FORM = /^\/(?:messagingrest\/v1|sap\/ems\/v1|hub\/rest\/api\/v1|sap-event-mesh\/rest\/api\/v1)\//;

/**
 * The path of a request as routes read it: slashes within the names of queues, topics and subscriptions
 * percent-encoded, where a client left them as they are, and the management of both editions under one path. A name that
 * is percent-encoded as a whole stays what it is, whatever it is called.
 */
export function sapPath(url: string): string {
  if (!ANY_FORM.test(url)) return url;
  const at = url.indexOf('?');
  const query = at === -1 ? '' : url.slice(at);
  let path = at === -1 ? url : url.slice(0, at);
  if (path.startsWith(`${OTHER_MANAGEMENT}/`)) path = MANAGEMENT + path.slice(OTHER_MANAGEMENT.length);
  if (path.startsWith(`${MANAGEMENT}/statistics/`)) {
    for (const [former, now] of FORMER) path = path.replace(former, now);
  }
  for (const form of FORMS) {
    const [, before, name, after, pattern] = form.exec(path) ?? [];
    if (before === undefined) continue;
    return `${before}${encoded(name!)}${after}${pattern === undefined ? '' : `/${encoded(pattern)}`}${query}`;
  }
  return path + query;
}

function encoded(name: string): string {
  return name.replaceAll('/', '%2F');
}

/** What has to be done by the instance that works on a queue, or on what a webhook reads. */
export type SapPlace = { queue: string } | { webhook: string };

const CONSUMED = new RegExp(`^${MESSAGING}/queues/([^/]+)/messages/(?:consumption|[^/]+/acknowledgement)$`);
const MANAGED = new RegExp(`^${MANAGEMENT}/queues/([^/]+)(?:/|$)`);
const SUBSCRIBED = new RegExp(`^(?:${MESSAGING}|${EVENTS}/events)/subscriptions/([^/]+)`);

/** Where a request is to be worked on, by its path as {@link sapPath} makes it and its body; nothing where that is anywhere. */
export function sapPlace(url: string, body: unknown): SapPlace | undefined {
  if (!ANY_FORM.test(url)) return undefined;
  const [path] = url.split('?', 1) as [string];
  const queue = (CONSUMED.exec(path) ?? MANAGED.exec(path))?.[1];
  if (queue !== undefined) return { queue: decoded(queue) };
  const webhook = SUBSCRIBED.exec(path)?.[1];
  if (webhook !== undefined) return { webhook: decoded(webhook) };
  const { address, name } = (body ?? {}) as { address?: unknown; name?: unknown };
  if (path === `${MESSAGING}/subscriptions` && typeof address === 'string' && address.startsWith('queue:')) {
    return { queue: address.slice('queue:'.length) };
  }
  return path === `${EVENTS}/events/subscriptions` && typeof name === 'string' ? { queue: name } : undefined;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
