import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { CHECKOUT } from '@heddle/infra';
import { afterEach, expect, inject, test } from 'vitest';
import { Arrivals } from '../support/arrivals.js';
import { foreignKafka, readTopic } from '../support/foreign-kafka.js';

// The example microservices, as they are started by hand; what they print is compared.

const { kafkaBrokers, registryUrl, databaseUrl } = inject('stack');
const programs: Program[] = [];

afterEach(async () => {
  for (const program of programs.splice(0)) await program.end('SIGKILL');
});

test(
  'an event is raised with its change, comes to who consumes it, and is reacted to once',
  { timeout: 180_000 },
  async () => {
    const parcel = `P-${randomUUID().slice(0, 8)}`;
    const ofParcel = (lines: readonly string[]): string[] => lines.filter((line) => line.startsWith(parcel));
    expect(await run('produce.mjs', parcel, 'Rotterdam')).toEqual([`${parcel} was sent to Rotterdam`]);
    const [consumer, carrier] = [start('consume.mjs'), start('react.mjs')];
    await consumer.lines.until((lines) => ofParcel(lines).length >= 2, { timeoutMs: 40_000 });
    expect(ofParcel(consumer.lines.all)).toEqual([
      `${parcel} is on its way to Rotterdam`,
      `${parcel} was received by a neighbour in Rotterdam`,
    ]);
    expect(ofParcel(carrier.lines.all)).toEqual([`${parcel} is delivered`]);

    // What fails takes its event with it.
    const [refusal = ''] = await run('produce.mjs', parcel, 'Antwerp');
    expect(refusal).toMatch(new RegExp(`^${parcel} was not sent: duplicate key`));

    // The same event again: as after a crash between effect and acknowledgement.
    const [sent] = (await readTopic(foreignKafka(kafkaBrokers), 'parcel')).filter(({ key }) => key === parcel);
    const producer = foreignKafka(kafkaBrokers).producer();
    await producer.connect();
    const { partition, key = null, headers, value } = sent!;
    await producer.send({ topic: 'parcel', messages: [{ partition, key, headers, value }] });
    await producer.disconnect();
    await carrier.lines.until((lines) => ofParcel(lines).length >= 2);
    expect(ofParcel(carrier.lines.all)).toEqual([`${parcel} is delivered`, `${parcel} was delivered before`]);
    for (const program of [consumer, carrier]) expect(await program.end('SIGTERM')).toBe(0);
    expect(ofParcel(consumer.lines.all).filter((line) => line.includes('received'))).toHaveLength(1);
  },
);

interface Program {
  lines: Arrivals<string>;
  /** Resolves with its exit code; null when it was killed. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  ended: Promise<number | null>;
}

/** Runs an example to its end; resolves with what it printed. */
async function run(example: string, ...args: string[]): Promise<readonly string[]> {
  const { lines, ended } = start(example, ...args);
  expect(await ended).toBe(0);
  return lines.all;
}

function start(example: string, ...args: string[]): Program {
  const child: ChildProcess = spawn(process.execPath, [join(CHECKOUT, 'examples', example), ...args], {
    env: {
      PATH: process.env['PATH'],
      KAFKA_BROKERS: kafkaBrokers.join(','),
      SCHEMA_REGISTRY_URL: registryUrl,
      DATABASE_URL: databaseUrl,
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const lines = new Arrivals<string>();
  let rest = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) lines.add(line);
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const program: Program = {
    lines,
    ended,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
  programs.push(program);
  return program;
}
