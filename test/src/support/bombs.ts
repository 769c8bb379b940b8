import { type RequestOptions, request } from 'node:http';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { ConfluentSchemaRegistry } from '@heddle/schema';
import { CONTRACT_SIGNED } from './cloud-event.js';
import { authorizationFor } from './keyring.js';
import { contractEvent } from './publishing.js';

/** A request that is small to make and would be large to answer. */
export interface Bomb {
  headers: Record<string, string>;
  body: Buffer;
  /** What it is refused with. */
  status: number;
  code: string;
}

const JSON_EVENT = 'application/cloudevents+json';
/** A larger body is begun, and waited with for the answer. */
const SENT_BYTES = 2_000_000;
/** A type whose data may hold itself, and any number of things. */
const LIST = 'test.bombs.v1.List.Made.v1';
const LIST_SCHEMA = {
  type: 'record',
  name: 'ListMade',
  namespace: 'test.bombs.v1',
  heddle: { type: LIST, topic: 'bombs', key: 'Key', summary: 'A list was made.', example: { Key: '1', Items: [1] } },
  fields: [
    { name: 'Key', type: 'string' },
    { name: 'Items', type: { type: 'array', items: 'int' }, default: [] },
    { name: 'Next', type: ['null', 'ListMade'], default: null },
  ],
};

/** Registers the type that the bombs in Avro are of; returns the id of its schema. */
export function registerList(registryUrl: string): Promise<number> {
  return new ConfluentSchemaRegistry({ url: registryUrl }).register('bombs-test.bombs.v1.ListMade', LIST_SCHEMA);
}

/** Every bomb that can be put into a request to publish, by what it is. */
export function publishBombs(schemaId: number): Record<string, Bomb> {
  const structured = (body: string | Buffer, code: string, status = 400, headers = {}): Bomb => ({
    headers: { 'content-type': JSON_EVENT, ...headers },
    body: Buffer.from(body),
    status,
    code,
  });
  const attributes = (different: object, code = 'attribute-invalid'): Bomb =>
    structured(JSON.stringify(contractEvent('C-1', different as Record<string, unknown>)), code);
  const data = (text: string): string => JSON.stringify(contractEvent('C-1', { data: 0 })).replace(':0}', `:${text}}`);
  const avro = (hex: string, repeated = Buffer.alloc(0)): Bomb => ({
    headers: { ...LIST_HEADERS, 'content-type': 'application/avro' },
    body: Buffer.concat([avroHead(schemaId), Buffer.from(hex, 'hex'), repeated]),
    status: 422,
    code: 'data-invalid',
  });
  const zeros = Buffer.alloc(100_000_000);
  const packed = (coding: string, body: Buffer, code = 'encoding-unsupported', status = 415): Bomb =>
    structured(body, code, status, { 'content-encoding': coding });
  return {
    '500,000 levels of arrays': structured(data('['.repeat(500_000) + ']'.repeat(500_000)), 'too-complex'),
    '170,000 levels of objects': structured(data('{"a":'.repeat(170_000) + '1' + '}'.repeat(170_000)), 'too-complex'),
    '90,000 members': structured(data(`{${keys(90_000)}}`), 'too-complex'),
    'a number of a million digits': structured(data('1'.repeat(1_000_000)), 'too-complex'),
    'a key of a prototype': structured(data('{"__proto__":{"x":1}}'), 'body-invalid'),
    'the constructor of a prototype': structured(data('{"constructor":{"prototype":{"x":1}}}'), 'body-invalid'),
    'half a million zeros': structured(data(`[${'0,'.repeat(500_000)}0]`), 'data-invalid', 422),
    '97 KB of gzip that are 100 MB': packed('gzip', gzipSync(zeros), 'too-large', 413),
    'brotli that is 100 MB': packed('br', brotliCompressSync(zeros)),
    'zstd that is 100 MB': packed('zstd', zstdCompressSync(zeros)),
    'an attribute of 5,000 bytes': attributes({ long: 'x'.repeat(5000) }),
    '65 extensions': attributes(Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`ext${n}`, 'x']))),
    'header fields of 20,000 bytes': {
      headers: { ...LIST_HEADERS, 'ce-long': 'x'.repeat(20_000) },
      body: Buffer.from('{}'),
      status: 431,
      code: 'headers-too-large',
    },
    'a body of 5 MB': structured(Buffer.alloc(5_000_000, 0x20), 'too-large', 413),
    'five bytes of Avro that are 50 million items': avro('02318088debe01'),
    'a count of items below all numbers': avro('0231ffffffffffffffffff0102'),
    '90,000 levels of Avro': avro('0231', Buffer.from('0002'.repeat(90_000), 'hex')),
    'Avro that is cut short': avro('0231c8'),
    'a string in Avro of two billion bytes': avro('feffffff0f'),
  };
}

const LIST_HEADERS = { 'ce-specversion': '1.0', 'ce-id': 'bomb', 'ce-source': '/test', 'ce-type': LIST };

/** A record as it would stand in the log, of a client that nobody checked. */
export function avroBombRecord(schemaId: number): { headers: Record<string, string>; value: Buffer } {
  return {
    headers: {
      ce_specversion: '1.0',
      ce_id: 'bomb',
      ce_source: '/test',
      ce_type: CONTRACT_SIGNED,
      'content-type': 'application/avro',
    },
    value: Buffer.concat([avroHead(schemaId), Buffer.from('02318088debe01', 'hex')]),
  };
}

/** Puts a body to where events are published; the milliseconds until the answer, and what it was. */
export async function throwBomb(
  url: string,
  { headers, body }: Bomb,
): Promise<{ ms: number; status: number; code: unknown }> {
  const own = { ...(await authorizationFor(url)), 'content-length': String(body.length) };
  const options: RequestOptions = { method: 'POST', headers: { ...headers, ...own } };
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/v1/events`, options, (answer) => {
      let text = '';
      answer.on('data', (bytes: Buffer) => (text += bytes.toString()));
      answer.on('end', () => {
        const { code } = JSON.parse(text) as { code: unknown };
        resolve({ ms: performance.now() - begun, status: answer.statusCode ?? 0, code });
        // It may have been answered before all of it was taken.
        asked.destroy();
      });
    });
    let isAnswered = false;
    asked.on('response', () => (isAnswered = true));
    asked.on('error', (error) => {
      if (!isAnswered) reject(error);
    });
    // Of what is too large by its own account only the beginning, for the rest would be refused by a reset connection.
    if (body.length > SENT_BYTES) asked.write(body.subarray(0, SENT_BYTES / 20));
    else asked.end(body);
  });
}

/** What a process says of itself: the longest turn of its loop since it was asked before, and its memory. */
export async function vitals(url: string): Promise<{ blockedMs: number; memoryMB: number }> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = (name: string): number => Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)`, 'm').exec(text)?.[1]);
  return {
    blockedMs: value('nodejs_eventloop_lag_max_seconds') * 1000,
    memoryMB: value('process_resident_memory_bytes') / 1e6,
  };
}

function avroHead(schemaId: number): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(schemaId, 1);
  return head;
}

function keys(count: number): string {
  return Array.from({ length: count }, (_, n) => `"k${n}":1`).join(',');
}
