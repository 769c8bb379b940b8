import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { fromAvro } from './avro-forms.js';
import type { ForeignClient, Found, Ground, Order } from './foreign-client.js';
import { attributesIn } from './kafkajs-client.js';

const exec = promisify(execFile);
const MAX_OUTPUT = 64 * 1024 * 1024;

/** kcat from a shell: it shows keys, headers and bytes, and writes events as lines of JSON. */
export function kcatClient({ kafkaBrokers, registryUrl }: Ground): ForeignClient {
  const command = ['kcat', 'kafkacat'].find(isInstalled);
  const registry = new SchemaRegistry({ host: registryUrl });
  const run = async (args: readonly string[]): Promise<Buffer> => {
    const { stdout } = await exec(command!, ['-b', kafkaBrokers.join(','), ...args], {
      maxBuffer: MAX_OUTPUT,
      encoding: 'buffer',
    });
    return stdout;
  };
  const show = (topic: string, format: string): Promise<Buffer> =>
    run(['-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', format]);
  return {
    name: 'kcat',
    missing: command === undefined ? 'no kcat' : undefined,
    modes: ['json'],
    compressions: [],
    read: async (topic) => {
      const shown = await show(topic, '%p\\t%o\\t%k\\t%h\\t%S\\n%s\\n');
      return Promise.all(
        recordsIn(shown).map(async ({ value, headers, ...record }) => ({
          ...record,
          attributes: attributesIn(headers),
          data: fromAvro((await registry.decode(value)) as Parameters<typeof fromAvro>[0]),
        })),
      );
    },
    write: async (topic, _, orders) => {
      const dir = await mkdtemp(join(tmpdir(), 'heddle-kcat-'));
      const lines = join(dir, 'lines');
      await writeFile(lines, orders.map((order) => `${order.key}\t${JSON.stringify(eventOf(order))}\n`).join(''));
      // librdkafka places keys by CRC-32 unless told otherwise.
      const settings = ['-X', 'topic.partitioner=murmur2_random', '-X', 'enable.idempotence=true'];
      const contentType = 'content-type=application/cloudevents+json';
      await run(['-P', '-t', topic, ...settings, '-K', '\\t', '-H', contentType, '-l', lines]);
      await rm(dir, { recursive: true });
      const written = (await show(topic, '%p\\t%s\\n')).toString().split('\n').slice(0, -1);
      return new Map(
        written.map((line) => {
          const tab = line.indexOf('\t');
          return [(JSON.parse(line.slice(tab + 1)) as { id: string }).id, Number(line.slice(0, tab))];
        }),
      );
    },
  };
}

/** An event in the CloudEvents JSON format. */
function eventOf({ id, type, key, data }: Order): object {
  return {
    specversion: '1.0',
    id,
    source: '/interop/kcat',
    type,
    subject: key,
    datacontenttype: 'application/json',
    data,
  };
}

type Shown = Pick<Found, 'partition' | 'offset' | 'key'> & { headers: Record<string, string>; value: Buffer };

/** A line for each record, the last field of which says how many bytes of value follow. */
function recordsIn(shown: Buffer): Shown[] {
  const records: Shown[] = [];
  for (let at = 0; at < shown.length;) {
    const end = shown.indexOf('\n', at);
    const [partition, offset, key = '', headers = '', bytes] = shown.toString('utf8', at, end).split('\t');
    const value = shown.subarray(end + 1, end + 1 + Number(bytes));
    records.push({
      partition: Number(partition),
      offset: Number(offset),
      key,
      headers: Object.fromEntries(
        headers.split(',').map((header) => header.split(/=(.*)/s).slice(0, 2) as [string, string]),
      ),
      value,
    });
    at = end + 2 + Number(bytes);
  }
  return records;
}

function isInstalled(command: string): boolean {
  try {
    execFileSync(command, ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
