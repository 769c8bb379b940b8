import { AvroCodec, MemorySchemaRegistry, loadSchemaFiles } from '@heddle/schema';
import avro from 'avsc';
import { jsonFormTypes, plainValue } from '../plain-avsc.js';
import { EVENT_TYPE, eventData, keyOf } from '../sample-event.js';
import type { CodecName, CodecTurn } from '../codec-names.js';
import { answer } from './answer.js';

export type CodecRace = {
  run(task: {
    codec: CodecName;
    event: 'contract' | 'sales-order';
    direction: 'encode' | 'decode';
    milliseconds: number;
  }): Promise<CodecTurn>;
};

interface Racer {
  encode(data: unknown): Buffer;
  decode(wire: Buffer): unknown;
  /** The data as this codec takes it. */
  data: unknown[];
}

const HEADER_BYTES = 5;
const ORDER_CREATED = 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1';
/** Different events in turn: the same one again and again would be remembered by caches as no event is. */
const VARIETY = 1_000;
/** Events between two looks at the clock. */
const STRIDE = 200;

let kept: unknown;

answer({
  async run({ codec, event, direction, milliseconds }) {
    const racer = await racerOf(codec, event);
    const wires = racer.data.map((data) => racer.encode(data));
    const work: (n: number) => unknown =
      direction === 'encode'
        ? (n) => racer.encode(racer.data[n % VARIETY])
        : (n) => racer.decode(wires[n % VARIETY] as Buffer);
    const before = process.cpuUsage();
    const end = performance.now() + milliseconds;
    let events = 0;
    do {
      // What came out is kept, so that nothing of the work can be left out.
      for (let n = 0; n < STRIDE; n += 1) kept = work((events += 1));
    } while (performance.now() < end);
    const { user, system } = process.cpuUsage(before);
    if (kept === undefined) throw new Error('Nothing came out.');
    return { events, cpuSeconds: (user + system) / 1e6, bytes: (wires[0] as Buffer).length };
  },
} satisfies CodecRace);

const racers = new Map<string, Promise<Racer>>();

function racerOf(name: CodecName, event: 'contract' | 'sales-order'): Promise<Racer> {
  const key = `${name} ${event}`;
  let racer = racers.get(key);
  if (racer === undefined) racers.set(key, (racer = makeRacer(name, event)));
  return racer;
}

async function makeRacer(name: CodecName, event: 'contract' | 'sales-order'): Promise<Racer> {
  const files = await loadSchemaFiles('schemas');
  const type = event === 'contract' ? EVENT_TYPE : ORDER_CREATED;
  const { schema, description } = files.find((file) => file.description.type === type)!;
  const data = Array.from({ length: VARIETY }, (_, n) => {
    const time = new Date(Date.UTC(2026, 0, 31, 12) + n * 1_037).toISOString();
    if (event === 'contract')
      return {
        ...eventData(keyOf(n), 'in writing'),
        NetAmount: `${1_000 + n * 7}.${String(n % 100).padStart(2, '0')}0`,
        CreatedAt: time,
      };
    return { ...(description.example as object), SalesOrder: String(4_000_000 + n), EventRaisedDateTime: time };
  });
  switch (name) {
    case 'heddle': {
      const registry = new MemorySchemaRegistry();
      const codec = new AvroCodec(registry);
      const id = await registry.register('bench', schema);
      await codec.load(id);
      return { data, encode: (value) => codec.encode(id, value), decode: (wire) => codec.decode(wire).data };
    }
    case 'avsc': {
      const avsc = avro.Type.forSchema(schema as avro.Schema, { wrapUnions: 'never' });
      return { data: data.map((value) => plainValue(schema, value)), ...wired(avsc) };
    }
    case 'avsc-json-form': {
      const avsc = avro.Type.forSchema(schema as avro.Schema, {
        wrapUnions: 'never',
        logicalTypes: jsonFormTypes as never,
      });
      return { data, ...wired(avsc) };
    }
    case 'json':
      return {
        data,
        encode: (value) => Buffer.from(JSON.stringify(value)),
        decode: (wire) => JSON.parse(wire.toString()) as unknown,
      };
  }
}

/** As anyone would use it: into memory that is used again, with the header of the wire format in front. */
function wired(type: avro.Type): Pick<Racer, 'encode' | 'decode'> {
  const scratch = Buffer.alloc(64 * 1024);
  return {
    encode: (value) => {
      const end = type.encode(value, scratch, HEADER_BYTES);
      scratch[0] = 0;
      scratch.writeUInt32BE(1, 1);
      return Buffer.from(scratch.subarray(0, end));
    },
    decode: (wire) => {
      if (wire[0] !== 0 || wire.readUInt32BE(1) === 0) throw new Error('not in wire format');
      return type.decode(wire, HEADER_BYTES).value;
    },
  };
}
