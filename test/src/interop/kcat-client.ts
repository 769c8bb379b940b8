import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { fromAvro, toAvro } from './avro-forms.js';
import type { ForeignClient, Found, Ground, Order } from './foreign-client.js';
import { attributesIn, headersOf } from './kafkajs-client.js';

const exec = promisify(execFile);
/** The value comes last, behind the count of its bytes, for it may hold anything. */
const FORMAT = '%p\\t%o\\t%k\\t%h\\t%S\\n%s\\n';
const MAX_OUTPUT = 64 * 1024 * 1024;

/** kcat from a shell: it shows keys, headers and bytes, and writes events as lines of JSON, or a file with headers. */
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
  const show = async (topic: string): Promise<Shown[]> =>
    recordsIn(await run(['-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', FORMAT]));
  return {
    name: 'kcat',
    missing: command === undefined ? 'no kcat' : undefined,
    modes: ['json', 'binary'],
    compressions: [],
    read: async (topic) => {
      const shown = await show(topic);
      return Promise.all(
        shown.map(async ({ value, headers, ...record }) => ({
          ...record,
          attributes: attributesIn(headers),
          data: fromAvro((await registry.decode(value)) as Parameters<typeof fromAvro>[0]),
        })),
      );
    },
    write: async (topic, subject, orders) => {
      const dir = await mkdtemp(join(tmpdir(), 'heddle-kcat-'));
      const file = join(dir, 'events');
      // librdkafka places keys by CRC-32 unless told otherwise.
      const produce = ['-P', '-t', topic, '-X', 'topic.partitioner=murmur2_random', '-X', 'enable.idempotence=true'];
      const lines = orders.filter(({ mode }) => mode === 'json');
      await writeFile(file, lines.map((order) => `${order.key}\t${JSON.stringify(eventOf(order))}\n`).join(''));
      await run([...produce, '-K', '\\t', '-H', 'content-type=application/cloudevents+json', '-l', file]);
      const schemaId = await registry.getLatestSchemaId(subject);
      for (const order of orders.filter(({ mode }) => mode === 'binary')) {
        // The value is a file; there is a header for each attribute.
        await writeFile(file, await registry.encode(schemaId, toAvro(order.data)));
        const headers = Object.entries(headersOf(order, '/interop/kcat')).flatMap(([name, text]) => [
          '-H',
          `${name}=${String(text)}`,
        ]);
        await run([...produce, '-k', order.key, ...headers, file]);
      }
      await rm(dir, { recursive: true });
      const written = await show(topic);
      return new Map(written.map(({ partition, headers, value }) => [headers['ce_id'] ?? idIn(value), partition]));
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

function idIn(value: Buffer): string {
  return (JSON.parse(value.toString()) as { id: string }).id;
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
