import { HeddleError } from '@heddle/event';
import type { BusinessPartnerEvents } from '@heddle/schemas';
import { afterEach, describe, expect, it } from 'vitest';
import { PARTNER_CHANGED, PARTNER_CREATED, meshContract } from '../../../test/src/contract/mesh.contract.js';
import { MemoryMesh } from './memory-mesh.js';
import type { MemoryTransaction } from './memory-store.js';
import type { ConsumeTuning } from './mesh.js';

const open = (consume: ConsumeTuning = {}) =>
  MemoryMesh.open<BusinessPartnerEvents>({
    name: 'trial',
    schemas: ['schemas'],
    raises: [PARTNER_CREATED, PARTNER_CHANGED],
    reactsTo: ['business-partner'],
    consume,
  });

meshContract('in memory', () =>
  Promise.resolve({
    open: async (consume) => {
      const mesh = await open(consume);
      const deadLetters = () =>
        Promise.resolve(
          mesh.deadLetters.map(({ event: { attributes }, error }) => ({
            id: attributes.id,
            code: error instanceof HeddleError ? error.code : 'internal',
            reason: (error as Error).message,
          })),
        );
      return { mesh, objects: mesh.objects, deadLetters };
    },
    close: () => Promise.resolve(),
  }),
);

describe('a test with a mesh in memory', () => {
  let mesh: MemoryMesh<BusinessPartnerEvents>;

  afterEach(() => mesh.stop());

  const created = (key: string) => ({ type: PARTNER_CREATED, key, data: { BusinessPartner: key } }) as const;

  it('lets events of others appear, waits until all is quiet, and sees what came of it', async () => {
    mesh = await open();
    mesh.handle(PARTNER_CREATED, async (event) => {
      await mesh.inbox.once(event, (tx) =>
        mesh.raise(tx, [{ type: PARTNER_CHANGED, key: event.key, version: 2, data: event.data }]),
      );
    });
    await mesh.start();
    const { id } = await mesh.appear(created('1'));
    await mesh.appear({ ...created('1'), attributes: { id } });
    await mesh.settled();
    expect(mesh.events.map(({ attributes }) => attributes.type)).toEqual([
      PARTNER_CREATED,
      PARTNER_CREATED,
      PARTNER_CHANGED,
    ]);
    expect(mesh.events.at(-1)?.attributes).toMatchObject({ correlationid: id, causationid: id });
    expect([mesh.failures, mesh.deadLetters]).toEqual([[], []]);
  });

  it('sees every failure with its attempt, and the dead letter at the end', async () => {
    mesh = await open();
    const errors = [new HeddleError('busy', 'not now'), new HeddleError('conflict', 'never')];
    mesh.handle(PARTNER_CREATED, () => {
      throw errors.shift();
    });
    await mesh.start();
    await mesh.appear(created('1'));
    await mesh.settled();
    expect(mesh.failures).toMatchObject([
      { attempt: 1, error: { code: 'busy' } },
      { attempt: 2, error: { code: 'conflict' } },
    ]);
    expect(mesh.deadLetters).toMatchObject([{ event: { key: '1' }, error: { message: 'never' } }]);
  });

  it('is told what is not quiet, and why, when that takes too long', async () => {
    mesh = await open();
    mesh.handle(PARTNER_CREATED, () => {
      throw new HeddleError('busy', 'not today');
    });
    await mesh.start();
    await mesh.appear(created('1'));
    await expect(mesh.settled(50)).rejects.toThrow(`${PARTNER_CREATED} of 1 is not handled, it failed with not today`);
  });

  it('is refused data that do not fit their schema, and types there are not', async () => {
    mesh = await open();
    await expect(mesh.appear({ ...created('1'), data: {} as never })).rejects.toMatchObject({ code: 'data-invalid' });
    await expect(mesh.appear({ ...created('1'), type: 'no.such.v1.Type' as never })).rejects.toMatchObject({
      code: 'type-unknown',
    });
    expect(mesh.events).toEqual([]);
  });

  it('appends what was raised once the log has it again, in order', async () => {
    mesh = await open();
    let refusals = 3;
    mesh.log.failAppend = () => (refusals-- > 0 ? new HeddleError('log-unavailable', 'away') : undefined);
    for (const version of [1, 2]) {
      await mesh.transaction((tx) => mesh.raise(tx, [{ ...created('1'), version }]));
    }
    await mesh.settled();
    expect(mesh.events.map(({ attributes }) => attributes['dataref'])).toEqual(
      [1, 2].map((version) => `/v1/objects/business-partner/1?version=${version}`),
    );
  });

  it('has an effect once when the same event is handled twice at the same time', async () => {
    mesh = await open();
    const event = { attributes: await mesh.appear(created('1')) };
    const effects: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = mesh.inbox.once(event, async () => {
      await gate.promise;
      effects.push('first');
    });
    const second = mesh.inbox.once(event, () => void effects.push('second'));
    gate.resolve();
    expect(await Promise.all([first, second])).toEqual([true, false]);
    expect(effects).toEqual(['first']);
  });

  it('is told that a transaction is not of this mesh', async () => {
    mesh = await open();
    const raised = mesh.raise({} as MemoryTransaction, [{ ...created('1'), version: 1 }]);
    await expect(raised).rejects.toMatchObject({ code: 'setting-invalid' });
  });
});
