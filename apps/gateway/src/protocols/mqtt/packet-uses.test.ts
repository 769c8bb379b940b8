import { CONTROL_TOPIC_SPECS, MemoryControlLog } from '@heddle/event';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketUseStore } from './packet-use-store.js';
import { PacketUses } from './packet-uses.js';

const PLACE = { tenant: 'local', name: 'mqtt-session/c/1' };

describe('the name of a message of QoS 2', () => {
  it('is the same however often the message comes, and another one for each use of its packet id, whatever crashes between', () => {
    const step = fc.record({
      id: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 65_535 })),
      what: fc.constantFrom('release', 'crash', 'again'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
        let uses = new PacketUses('s');
        let kept = uses.runs;
        const open = new Map<number, string>();
        const over = new Set<string>();
        for (const { id, what } of steps) {
          const name = uses.nameOf(id);
          expect(over.has(name)).toBe(false);
          expect(open.get(id) ?? name).toBe(name);
          open.set(id, name);
          if (what === 'release') {
            open.delete(id);
            over.add(name);
            uses.release(id, open.keys());
            kept = uses.runs;
          } else if (what === 'crash') uses = new PacketUses('s', kept);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('takes little room to keep, however a client counts', () => {
    const upwards = new PacketUses('s');
    for (let n = 0; n < 70_000; n += 1) upwards.release((n % 65_535) + 1, []);
    expect(upwards.runs).toEqual([
      [1, 4465, 2],
      [4466, 65_535, 1],
    ]);
    const anyhow = new PacketUses('s');
    for (let n = 0; n < 5000; n += 1) anyhow.release(((n * 7919) % 65_535) + 1, []);
    expect(anyhow.runs.length).toBeLessThanOrEqual(201);
  });
});

describe('what was released', () => {
  const at = (controlLog: MemoryControlLog, uuid = 'u1', isHere = (): boolean => true): PacketUseStore =>
    new PacketUseStore({
      controlLog,
      queues: { find: () => ({ uuid }) as never, atWork: () => (isHere() ? ({} as never) : undefined) },
    });

  async function log(): Promise<MemoryControlLog> {
    const controlLog = new MemoryControlLog();
    await controlLog.ensureTopics(CONTROL_TOPIC_SPECS);
    return controlLog;
  }

  it('is known to whoever works on the session next, and to no other session of the same name', async () => {
    const controlLog = await log();
    const store = at(controlLog);
    const uses = await store.of(PLACE);
    expect(uses.nameOf(9)).toBe('u1-9-0');
    uses.release(9, []);
    uses.release(10, []);
    await Promise.all([store.keep(PLACE, uses), store.keep(PLACE, uses)]);
    uses.release(9, []);
    const next = await at(controlLog).of(PLACE);
    expect([next.nameOf(9), next.nameOf(10), next.nameOf(11)]).toEqual(['u1-9-1', 'u1-10-1', 'u1-11-0']);
    expect((await at(controlLog, 'u2').of(PLACE)).nameOf(9)).toBe('u2-9-0');
    await store.drop(PLACE);
    expect((await at(controlLog).of(PLACE)).nameOf(9)).toBe('u1-9-0');
  });

  it('is not said to be durable by an instance that has the session no more', async () => {
    const controlLog = await log();
    let isHere = true;
    const store = at(controlLog, 'u1', () => isHere);
    const uses = await store.of(PLACE);
    isHere = false;
    uses.release(9, []);
    await expect(store.keep(PLACE, uses)).rejects.toMatchObject({ code: 'queue-elsewhere' });
    expect((await at(controlLog).of(PLACE)).nameOf(9)).toBe('u1-9-0');
    isHere = true;
    await store.keep(PLACE, uses);
    expect((await at(controlLog).of(PLACE)).nameOf(9)).toBe('u1-9-1');
  });
});
