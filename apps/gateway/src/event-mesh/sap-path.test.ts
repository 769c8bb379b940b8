import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENTS, MANAGEMENT, MESSAGING, sapPath, sapPlace } from './sap-path.js';

describe('a path of SAP Event Mesh', () => {
  it.each([
    ['/messagingrest/v1/queues/a/b/c/messages', '/messagingrest/v1/queues/a%2Fb%2Fc/messages'],
    ['/messagingrest/v1/queues/a%2Fb/messages', '/messagingrest/v1/queues/a%2Fb/messages'],
    ['/messagingrest/v1/queues/a%2Fb/c/messages', '/messagingrest/v1/queues/a%2Fb%2Fc/messages'],
    ['/messagingrest/v1/topics/ns/a/b/ce/x/messages', '/messagingrest/v1/topics/ns%2Fa%2Fb%2Fce%2Fx/messages'],
    ['/messagingrest/v1/queues/a/b/messages/consumption', '/messagingrest/v1/queues/a%2Fb/messages/consumption'],
    [
      '/messagingrest/v1/queues/a/b/messages/x.1.2/acknowledgement',
      '/messagingrest/v1/queues/a%2Fb/messages/x.1.2/acknowledgement',
    ],
    // The longest name that leaves an ending.
    ['/messagingrest/v1/queues/a/messages/messages', '/messagingrest/v1/queues/a%2Fmessages/messages'],
    ['/messagingrest/v1/queues/a%2Fmessages/messages', '/messagingrest/v1/queues/a%2Fmessages/messages'],
    ['/messagingrest/v1/subscriptions/a/b/state', '/messagingrest/v1/subscriptions/a%2Fb/state'],
    ['/messagingrest/v1/subscriptions/a/b', '/messagingrest/v1/subscriptions/a%2Fb'],
    ['/messagingrest/v1/subscriptions', '/messagingrest/v1/subscriptions'],
    ['/sap/ems/v1/events/subscriptions/a/b/handshake', '/sap/ems/v1/events/subscriptions/a%2Fb/handshake'],
    ['/sap/ems/v1/events', '/sap/ems/v1/events'],
    [`${MANAGEMENT}/queues/a/b`, `${MANAGEMENT}/queues/a%2Fb`],
    [`${MANAGEMENT}/queues/a/b?x=/`, `${MANAGEMENT}/queues/a%2Fb?x=/`],
    [`${MANAGEMENT}/queues/a/b/subscriptions`, `${MANAGEMENT}/queues/a%2Fb/subscriptions`],
    [`${MANAGEMENT}/queues/a/b/subscriptions/c/+/*`, `${MANAGEMENT}/queues/a%2Fb/subscriptions/c%2F+%2F*`],
    // The shortest name that leaves a pattern.
    [
      `${MANAGEMENT}/queues/a/subscriptions/b/subscriptions/c`,
      `${MANAGEMENT}/queues/a/subscriptions/b%2Fsubscriptions%2Fc`,
    ],
    [`${MANAGEMENT}/queues/a/b/statistics`, `${MANAGEMENT}/queues/a%2Fb/statistics`],
    [`${MANAGEMENT}/queues/a%2Fstatistics`, `${MANAGEMENT}/queues/a%2Fstatistics`],
    [`${MANAGEMENT}/statistics/queues/a/b`, `${MANAGEMENT}/queues/a%2Fb/statistics`],
    [`${MANAGEMENT}/statistics/queues`, `${MANAGEMENT}/queuesStatistics`],
    [`${MANAGEMENT}/statistics/instance`, `${MANAGEMENT}/statistics`],
    ['/sap-event-mesh/rest/api/v1/statistics/resources', `${MANAGEMENT}/resourceusage`],
    ['/sap-event-mesh/rest/api/v1/queues/a/b', `${MANAGEMENT}/queues/a%2Fb`],
    ['/sap-event-mesh/rest/api/v1/readinessCheck', `${MANAGEMENT}/readinessCheck`],
    ['/v1/queues/a/b/messages', '/v1/queues/a/b/messages'],
    ['/messagingrest/v1x/queues/a/b/messages', '/messagingrest/v1x/queues/a/b/messages'],
  ])('%s is read as %s', (given, read) => expect(sapPath(given)).toBe(read));

  const segment = fc.constantFrom('a', 'messages', 'subscriptions', 'state', 'consumption', 'queues', 'x.1');
  const name = fc.array(segment, { minLength: 1, maxLength: 6 }).map((segments) => segments.join('/'));

  it('keeps what is percent-encoded as it is, whatever it is called, and is read the same twice', () => {
    fc.assert(
      fc.property(name, (given) => {
        const encoded = encodeURIComponent(given);
        for (const path of [
          `${MESSAGING}/queues/${encoded}/messages`,
          `${MESSAGING}/queues/${encoded}/messages/consumption`,
          `${EVENTS}/events/subscriptions/${encoded}/state`,
          `${MANAGEMENT}/queues/${encoded}/subscriptions/${encoded}`,
          `${MANAGEMENT}/queues/${encoded}`,
        ]) {
          expect(sapPath(path)).toBe(path);
        }
        const tolerated = sapPath(`${MESSAGING}/queues/${given}/messages`);
        expect(sapPath(tolerated)).toBe(tolerated);
        expect(tolerated).toBe(`${MESSAGING}/queues/${encoded}/messages`);
      }),
    );
  });
});

it.each<[path: string, body: unknown, place: unknown]>([
  [`${MESSAGING}/queues/a%2Fb/messages/consumption`, undefined, { queue: 'a/b' }],
  [`${MESSAGING}/queues/a%2Fb/messages/id/acknowledgement`, undefined, { queue: 'a/b' }],
  [`${MESSAGING}/queues/a%2Fb/messages`, undefined, undefined],
  [`${MESSAGING}/topics/a%2Fb/messages`, undefined, undefined],
  [`${MESSAGING}/subscriptions/hook/state`, undefined, { webhook: 'hook' }],
  [`${MESSAGING}/subscriptions`, { address: 'queue:a/b', name: 'hook' }, { queue: 'a/b' }],
  [`${MESSAGING}/subscriptions`, undefined, undefined],
  [`${EVENTS}/events/subscriptions`, { name: 'hook' }, { queue: 'hook' }],
  [`${EVENTS}/events`, { name: 'hook' }, undefined],
  [`${MANAGEMENT}/queues/a%2Fb/subscriptions/x`, undefined, { queue: 'a/b' }],
  [`${MANAGEMENT}/queues`, undefined, undefined],
  [`${MANAGEMENT}/queues/q/statistics`, undefined, { queue: 'q' }],
  [`${MANAGEMENT}/queuesStatistics`, undefined, undefined],
  ['/v1/queues/q', undefined, undefined],
])('%s with %j is worked on where %j is', (path, body, place) => expect(sapPlace(path, body)).toEqual(place));
