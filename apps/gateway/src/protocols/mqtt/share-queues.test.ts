import { HeddleError } from '@heddle/event';
import { expect, it } from 'vitest';
import { callerFor } from '../../identity/identity-trial.js';
import { sessionQueue, shareQueue } from './session-name.js';
import type { GroupChange } from './share.shape.js';
import { type ShareParts, ShareQueues } from './share-queues.js';

const caller = callerFor('acme', ['consume:topic:*'], 'fleet');
const GROUP = { group: 'workers', filter: 'orders/new/#' };
const NAME = shareQueue('fleet', 'workers', 'orders/new/#');

/** Two instances that follow the same definitions; the second one works on all queues. */
function instances() {
  const stored = new Map<string, object>();
  const asked: GroupChange[] = [];
  const elsewhere = (): never => {
    throw new HeddleError('queue-elsewhere', 'Another instance works on it.');
  };
  const directory = {
    queues: () => [...stored.values()],
    caughtUp: () => Promise.resolve(),
  };
  const partsOf = (isOwner: boolean, ask: ShareParts['ask']): ShareParts =>
    ({
      directory,
      ask,
      queues: {
        find: (_tenant: string, name: string) => stored.get(name),
        atWork: (_tenant: string, name: string) => (isOwner ? stored.get(name) : undefined),
        put: async (by: object, name: string, request: object, _check: undefined, more: object) =>
          isOwner ? void stored.set(name, { by, request, ...more }) : elsewhere(),
        delete: async (_of: object, name: string) => (isOwner ? void stored.delete(name) : elsewhere()),
      },
    }) as unknown as ShareParts;
  const owner = new ShareQueues(partsOf(true, () => Promise.reject(new Error('It is here.'))));
  const other = new ShareQueues(
    partsOf(false, async (tenant, name, path, change) => {
      expect([tenant, name, path]).toEqual(['acme', NAME, `/v1/tenants/acme/queues/${encodeURIComponent(NAME)}/group`]);
      asked.push(change);
      await owner.change(tenant, change);
    }),
  );
  /** A session that is a member, as its definition says. */
  const join = (clientId: string): void => {
    const subscriptions = [{ filter: '$share/workers/orders/new/#', qos: 1 }];
    stored.set(sessionQueue('fleet', clientId), { session: { protocol: 'mqtt', client: 'fleet', subscriptions } });
  };
  return {
    stored,
    asked,
    owner,
    other,
    join,
    part: (clientId: string) => stored.delete(sessionQueue('fleet', clientId)),
  };
}

it('the queue of a group is made at the instance that works on it, with the rights of the client', async () => {
  const { stored, asked, other } = instances();
  expect(await other.ensure(caller, GROUP)).toBe(NAME);
  expect(stored.get(NAME)).toMatchObject({
    by: { tenant: 'acme', client: 'fleet', permissions: { texts: ['consume:topic:*'] } },
    request: { topicPatterns: ['orders/new/*', 'orders/new'], order: 'none' },
    session: { protocol: 'mqtt-share', client: 'fleet', ...GROUP },
  });
  await other.ensure(caller, GROUP);
  expect(asked).toHaveLength(1);
});

it('it is deleted there with the last member, whichever instance that was at', async () => {
  const { stored, other, join, part } = instances();
  await other.ensure(caller, GROUP);
  join('one');
  join('two');
  const left = { tenant: 'acme', client: 'fleet', ...GROUP };
  part('one');
  await other.left(left, sessionQueue('fleet', 'one'));
  expect(stored.has(NAME)).toBe(true);
  part('two');
  await other.left(left, sessionQueue('fleet', 'two'));
  expect(stored.has(NAME)).toBe(false);
});

it('an instance that does not know yet that the last member is gone waits until it does', async () => {
  const { stored, owner, join, part } = instances();
  await owner.ensure(caller, GROUP);
  join('last');
  const deleted = owner.change('acme', { what: 'leave', client: 'fleet', ...GROUP });
  expect(stored.has(NAME)).toBe(true);
  part('last');
  await deleted;
  expect(stored.has(NAME)).toBe(false);
});
