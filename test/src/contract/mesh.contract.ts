import { HeddleError, type StoredEvent } from '@heddle/event';
import type { ConsumeTuning, Mesh } from '@heddle/mesh';
import type { BusinessPartnerEvents } from '@heddle/schemas';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

export const PARTNER_CREATED = 'sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1';
export const PARTNER_CHANGED = 'sap.s4.beh.businesspartner.v1.BusinessPartner.Changed.v1';

/** A mesh of a service that raises events of business partners and reacts to them, on topics that nobody else has. */
export interface OpenedMesh<Tx> {
  mesh: Mesh<BusinessPartnerEvents, Tx>;
  /** What the owner of the objects has, of which the mesh hears by its gateway. */
  objects: {
    put(object: string, key: string, version: number, state: object): void;
    remove(object: string, key: string, version: number): void;
  };
  /** What the group of the service gave up on, in the order of the log. */
  deadLetters(): Promise<{ id: string; code: string; reason: string }[]>;
}

export interface MeshHarness {
  // oxlint-disable-next-line typescript/no-explicit-any -- the suite holds for transactions of any kind
  open(consume?: ConsumeTuning): Promise<OpenedMesh<any>>;
  close(): Promise<void>;
}

const WAIT = { timeout: 20_000, interval: 5 };

/** What a mesh promises to a microservice; held by the real one, and by the one in memory that stands in for it in tests. */
export function meshContract(what: string, harnessOf: () => Promise<MeshHarness>): void {
  describe(`a mesh ${what}`, () => {
    let harness: MeshHarness;
    // oxlint-disable-next-line typescript/no-explicit-any -- as above
    let opened: OpenedMesh<any>;

    beforeAll(async () => {
      harness = await harnessOf();
    });

    afterEach(() => opened.mesh.stop());

    afterAll(() => harness.close());

    /** One event of each of these keys, all in one transaction. */
    const raise = (keys: readonly string[], version = 1, type = PARTNER_CHANGED as typeof PARTNER_CHANGED) =>
      opened.mesh.transaction((tx) =>
        opened.mesh.raise(
          tx,
          keys.map((key) => ({ type, key, version, data: { BusinessPartner: key } })),
        ),
      );

    it('brings what is raised to its handlers in commit order per key, with the data of its type', async () => {
      opened = await harness.open();
      const seen = new Map<string, number[]>();
      opened.mesh.handle(PARTNER_CHANGED, (event) => {
        const { BusinessPartner: key } = event.data;
        expect(event.key).toBe(key);
        seen.set(key, [...(seen.get(key) ?? []), Number(event.attributes['sequence'])]);
      });
      await opened.mesh.start();
      const keys = ['1', '2', '3', '4'];
      const writers = keys.map(async (key) => {
        for (let version = 1; version <= 10; version += 1) await raise([key], version);
      });
      await Promise.all([...writers, raise(['5', '6', '5'])]);
      await vi.waitFor(() => expect([...seen.values()].flat()).toHaveLength(43), WAIT);
      const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
      for (const key of keys) expect(seen.get(key)).toEqual(upTo(10));
      expect([seen.get('5'), seen.get('6')]).toEqual([[1, 2], [1]]);
    });

    it('knows nothing of what was rolled back, nor of data that do not fit, which roll back the rest', async () => {
      opened = await harness.open();
      const seen: string[] = [];
      opened.mesh.handle('*', (event) => void seen.push(`${event.key} ${Number(event.attributes['sequence'])}`));
      await opened.mesh.start();
      const refused = opened.mesh.transaction(async (tx) => {
        await opened.mesh.raise(tx, [{ type: PARTNER_CREATED, key: '7', version: 1, data: { BusinessPartner: '7' } }]);
        throw new Error('changed its mind');
      });
      await expect(refused).rejects.toThrow('changed its mind');
      const unfit = opened.mesh.transaction(async (tx) => {
        await opened.mesh.raise(tx, [
          { type: PARTNER_CREATED, key: '7', version: 1, data: { BusinessPartner: '7' } },
          { type: PARTNER_CREATED, key: '7', version: 1, data: { BusinessPartner: 7 } as never },
        ]);
      });
      await expect(unfit).rejects.toMatchObject({ code: 'data-invalid' });
      await raise(['7']);
      await vi.waitFor(() => expect(seen).toHaveLength(1), WAIT);
      expect(seen).toEqual(['7 1']);
    });

    it('has the effect of an event once, though the handler fails after it and the event comes again', async () => {
      opened = await harness.open();
      const effects: string[] = [];
      const outcomes: boolean[] = [];
      opened.mesh.handle(PARTNER_CREATED, async (event) => {
        outcomes.push(await opened.mesh.inbox.once(event, () => void effects.push(event.key)));
        if (outcomes.length < 3) throw new HeddleError('busy', 'not now');
      });
      await opened.mesh.start();
      await opened.mesh.transaction((tx) =>
        opened.mesh.raise(tx, [{ type: PARTNER_CREATED, key: '8', version: 1, data: { BusinessPartner: '8' } }]),
      );
      await vi.waitFor(() => expect(outcomes).toHaveLength(3), WAIT);
      expect(outcomes).toEqual([true, false, false]);
      expect(effects).toEqual(['8']);
    });

    it('rolls back an effect that fails, with what it raised, and has it when the event comes again', async () => {
      opened = await harness.open();
      const followed: StoredEvent[] = [];
      let attempts = 0;
      opened.mesh
        .handle(PARTNER_CREATED, async (event) => {
          await opened.mesh.inbox.once(event, async (tx) => {
            attempts += 1;
            await opened.mesh.raise(tx, [
              { type: PARTNER_CHANGED, key: event.key, version: 2, data: { BusinessPartner: event.key } },
            ]);
            if (attempts < 3) throw new HeddleError('busy', 'not now');
          });
        })
        .handle(PARTNER_CHANGED, (event) => void followed.push(event));
      await opened.mesh.start();
      const origin = { correlationId: 'c-1', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
      await opened.mesh.transaction((tx) =>
        opened.mesh.raise(tx, [
          { type: PARTNER_CREATED, key: '9', version: 1, data: { BusinessPartner: '9' }, ...origin },
        ]),
      );
      await vi.waitFor(() => expect(followed).toHaveLength(1), WAIT);
      // Whatever else the failed attempts had raised would stand before this one.
      await raise(['9'], 3);
      await vi.waitFor(() => expect(followed).toHaveLength(2), WAIT);
      expect(followed.map(({ attributes }) => Number(attributes['sequence']))).toEqual([2, 3]);
      expect(followed[0]?.attributes).toMatchObject({ correlationid: 'c-1', traceparent: origin.traceparent });
      expect(followed[0]?.attributes['causationid']).toMatch(/^[0-9a-f-]{36}$/);
      expect(attempts).toBe(3);
    });

    it('gives up what can never succeed, as a dead letter with its reason, and goes on with the key', async () => {
      opened = await harness.open();
      const handled: number[] = [];
      const failed: string[] = [];
      opened.mesh.handle('sap.s4.beh.businesspartner.v1.*', (event) => {
        const number = Number(event.attributes['sequence']);
        if (number === 2) {
          failed.push(event.attributes.id);
          throw new HeddleError('conflict', 'no such partner here');
        }
        handled.push(number);
      });
      await opened.mesh.start();
      await raise(['10', '10', '10']);
      await vi.waitFor(() => expect(handled).toEqual([1, 3]), WAIT);
      await vi.waitFor(async () => expect(await opened.deadLetters()).toHaveLength(1), WAIT);
      expect(await opened.deadLetters()).toEqual([
        { id: failed[0], code: 'conflict', reason: expect.stringContaining('no such partner here') as string },
      ]);
      expect(failed).toHaveLength(1);
    });

    it('tries again by its schedule what fails, in its place among those of its key, and then gives it up', async () => {
      opened = await harness.open({ retry: { delaysMs: [20, 20], jitter: 0 } });
      const steps: string[] = [];
      opened.mesh.handle('sap.s4.beh.businesspartner.v1.*', (event, { attempt, key }) => {
        const number = Number(event.attributes['sequence']);
        steps.push(`${key}/${number} attempt ${attempt}`);
        if (number === 1) throw new TypeError('a mistake');
      });
      await opened.mesh.start();
      await raise(['13', '13']);
      await vi.waitFor(() => expect(steps).toHaveLength(4), WAIT);
      expect(steps).toEqual(['13/1 attempt 1', '13/1 attempt 2', '13/1 attempt 3', '13/2 attempt 1']);
      await vi.waitFor(async () => expect(await opened.deadLetters()).toHaveLength(1), WAIT);
      expect(await opened.deadLetters()).toMatchObject([{ code: 'internal', reason: 'a mistake' }]);
      expect(await opened.mesh.health()).toMatchObject({ checks: { consumer: { status: 'ok' } } });
      expect(opened.mesh.consumer).toMatchObject({ state: 'consuming', handled: 1, deadLettered: 1 });
    });

    it('fetches the object of a notification never older than that, and says when nothing is new', async () => {
      opened = await harness.open();
      const { mesh, objects } = opened;
      const fetched: unknown[] = [];
      mesh.handle(PARTNER_CHANGED, async (event) => {
        fetched.push(await mesh.fetch(event));
      });
      await mesh.start();
      objects.put('business-partner', '11', 1, { name: 'Alder' });
      // The notification is quicker than its owner.
      await raise(['11'], 2);
      const late = setTimeout(() => objects.put('business-partner', '11', 2, { name: 'Alder & Birch' }), 300);
      await vi.waitFor(() => expect(fetched).toHaveLength(1), WAIT);
      clearTimeout(late);
      expect(fetched[0]).toEqual({ kind: 'state', version: 2, state: { name: 'Alder & Birch' }, isNew: true });
      await raise(['11'], 2);
      await vi.waitFor(() => expect(fetched).toHaveLength(2), WAIT);
      expect(fetched[1]).toEqual({ kind: 'state', version: 2, state: { name: 'Alder & Birch' }, isNew: false });
      objects.remove('business-partner', '11', 3);
      await raise(['11'], 3);
      await vi.waitFor(() => expect(fetched).toHaveLength(3), WAIT);
      expect(fetched[2]).toEqual({ kind: 'tombstone', version: 3 });
      expect(await mesh.fetch('/v1/objects/business-partner/none')).toEqual({ kind: 'unknown' });
    });

    it('acknowledges and counts what no handler is for', async () => {
      opened = await harness.open();
      const seen: string[] = [];
      opened.mesh.handle(PARTNER_CREATED, (event) => void seen.push(event.key));
      await opened.mesh.start();
      await raise(['12', '12']);
      await opened.mesh.transaction((tx) =>
        opened.mesh.raise(tx, [{ type: PARTNER_CREATED, key: '12', version: 1, data: { BusinessPartner: '12' } }]),
      );
      await vi.waitFor(() => expect(seen).toEqual(['12']), WAIT);
      expect(await opened.mesh.metrics.metrics()).toContain(
        `heddle_unhandled_events_total{type="${PARTNER_CHANGED}"} 2`,
      );
    });
  });
}
