import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CONTROL_TOPICS, CONTROL_TOPIC_SPECS, SLOT_COUNT, uuidv7 } from '@heddle/event';
import type { SlotMember } from '@heddle/event';
import { freePorts, startBroker, type Running } from '@heddle/infra';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { SlotLedger, slotGroupContract } from '../../../test/src/contract/slot-group.contract.js';
import { KafkaControlLog } from './kafka-control-log.js';
import { KafkaSlotGroup } from './kafka-slot-group.js';

const QUEUES = CONTROL_TOPIC_SPECS.filter(({ name }) => name === CONTROL_TOPICS.queues);
const { kafkaBrokers } = inject('stack');

async function ensureQueues(brokers: readonly string[]): Promise<void> {
  const control = new KafkaControlLog({ brokers, clientId: 'slots' });
  await control.ensureTopics(QUEUES);
  await control.close();
}

slotGroupContract('on Kafka', async () => {
  await ensureQueues(kafkaBrokers);
  const group = `slots-${uuidv7()}`;
  return () => new KafkaSlotGroup({ brokers: kafkaBrokers, clientId: 'slots', group });
});

/** A member in a process of its own, of the built library; it tells what its handlers are told. */
const CHILD = `
  import { KafkaSlotGroup } from '@heddle/kafka';
  const [, group, ...brokers] = process.argv;
  const say = (what, slots) => process.stdout.write(JSON.stringify({ what, slots }) + '\\n');
  await new KafkaSlotGroup({ brokers, clientId: 'child', group }).join({
    onAssigned: (slots) => say('assigned', slots),
    onRevoked: (slots) => say('revoked', slots),
    onRenewed: () => undefined,
  });
`;

interface Told {
  what: 'assigned' | 'revoked';
  slots: number[];
}

describe('with a member in another process', () => {
  const children: ChildProcess[] = [];
  const members: SlotMember[] = [];
  let group: string;
  let ledger: SlotLedger;

  const startChild = (): { child: ChildProcess; told: Told[] } => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD, '--', group, ...kafkaBrokers], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const told: Told[] = [];
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      told.push(JSON.parse(line) as Told);
    });
    return { child, told };
  };
  const joinHere = async (): Promise<SlotMember> => {
    const slots = new KafkaSlotGroup({ brokers: kafkaBrokers, clientId: 'here', group });
    const member = await slots.join(ledger.handlersOf('here'));
    members.push(member);
    return member;
  };

  beforeAll(() => ensureQueues(kafkaBrokers));
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const member of members.splice(0)) await member.leave();
  });

  it('one that is killed is replaced within ten seconds, and the other stays current throughout', async () => {
    group = `slots-${uuidv7()}`;
    ledger = new SlotLedger();
    const member = await joinHere();
    const { child, told } = startChild();
    await vi.waitFor(() => expect(told).toMatchObject([{ what: 'assigned', slots: { length: 16 } }]), {
      timeout: 15_000,
    });
    expect(ledger.of('here')).toHaveLength(16);
    child.kill('SIGKILL');
    const diedAt = performance.now();
    let wasCurrent = true;
    await vi.waitFor(
      () => {
        wasCurrent &&= member.isCurrent();
        expect(ledger.of('here')).toHaveLength(SLOT_COUNT);
      },
      { timeout: 10_000, interval: 50 },
    );
    expect(performance.now() - diedAt).toBeLessThan(10_000);
    expect(wasCurrent).toBe(true);
    expect(ledger.problems).toEqual([]);
  });

  it('one that was suspended until others took over learns first what it has lost, and is then given a share', async () => {
    group = `slots-${uuidv7()}`;
    ledger = new SlotLedger();
    const { child, told } = startChild();
    await vi.waitFor(() => expect(told).toHaveLength(1), { timeout: 15_000 });
    await joinHere();
    await vi.waitFor(() => expect(ledger.of('here')).toHaveLength(16), { timeout: 10_000 });
    expect(told.map(({ what, slots }) => [what, slots.length])).toEqual([
      ['assigned', 32],
      ['revoked', 16],
    ]);
    child.kill('SIGSTOP');
    await vi.waitFor(() => expect(ledger.of('here')).toHaveLength(SLOT_COUNT), { timeout: 10_000 });
    child.kill('SIGCONT');
    await vi.waitFor(() => expect(told).toHaveLength(4), { timeout: 10_000 });
    expect(told.slice(2).map(({ what, slots }) => [what, slots.length])).toEqual([
      ['revoked', 16],
      ['assigned', 16],
    ]);
    expect(ledger.of('here').filter((slot) => told.at(-1)?.slots.includes(slot))).toEqual([]);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });
});

describe('with a broker that goes away', () => {
  let dir: string;
  let ports: [number, number];
  let broker: Running;
  let brokers: string[];
  const start = (): Promise<Running> =>
    startBroker({ dir: join(dir, 'broker'), port: ports[0], controllerPort: ports[1], logFile: join(dir, 'log') });

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'heddle-slots-'));
    ports = (await freePorts(2)) as [number, number];
    broker = await start();
    brokers = [`127.0.0.1:${ports[0]}`];
    await ensureQueues(brokers);
  });
  afterAll(async () => {
    process.kill(broker.pid, 'SIGCONT');
    await broker.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it('a member knows in time that it may have been replaced, and is told when it is current again', async () => {
    const group = `slots-${uuidv7()}`;
    const ledger = new SlotLedger();
    const slots = new KafkaSlotGroup({ brokers, clientId: 'slots', group });
    const members = [await slots.join(ledger.handlersOf('a')), await slots.join(ledger.handlersOf('b'))];
    await vi.waitFor(() => expect(ledger.of('b')).toHaveLength(16), { timeout: 10_000 });
    // Longer than a session: heartbeats do go out.
    const until = performance.now() + 7000;
    await vi.waitFor(
      () => {
        if (!members.every((member) => member.isCurrent())) throw new Error('not current any more');
        expect(performance.now()).toBeGreaterThan(until);
      },
      { timeout: 8000, interval: 100 },
    );
    ledger.renewed.length = 0;
    process.kill(broker.pid, 'SIGSTOP');
    const stoppedAt = performance.now();
    await vi.waitFor(() => expect(members.some((member) => member.isCurrent())).toBe(false), { timeout: 6000 });
    // Never later than a broker that is only out of reach would give the slots to others.
    expect(performance.now() - stoppedAt).toBeLessThan(6000);
    process.kill(broker.pid, 'SIGCONT');
    await vi.waitFor(
      () => {
        expect(members.every((member) => member.isCurrent())).toBe(true);
        expect([ledger.of('a').length, ledger.of('b').length]).toEqual([16, 16]);
      },
      { timeout: 20_000 },
    );
    expect(ledger.renewed.toSorted()).toEqual(['a', 'b']);
    broker.kill();
    await broker.exited;
    await vi.waitFor(() => expect(members.some((member) => member.isCurrent())).toBe(false), { timeout: 6000 });
    broker = await start();
    await vi.waitFor(
      () => {
        expect(members.every((member) => member.isCurrent())).toBe(true);
        expect([ledger.of('a').length, ledger.of('b').length]).toEqual([16, 16]);
      },
      { timeout: 20_000 },
    );
    expect(ledger.renewed.toSorted()).toEqual(['a', 'a', 'b', 'b']);
    for (const member of members) await member.leave();
    expect(ledger.problems).toEqual([]);
  });
});
