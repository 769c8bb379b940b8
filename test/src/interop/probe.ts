import { type EnvelopeMode, canonicalKey } from '@heddle/event';

/** An event type made for these tests: its data has one field of each kind that clients see differently. */
export interface ProbeType {
  type: string;
  topic: string;
  subject: string;
  schema: object;
}

/** The data, in plain JSON as every door hands it out. */
export interface Probe {
  Probe: string;
  Amount: string;
  Day: string;
  At: string;
  Count: number;
  Ratio: number;
  Flag: boolean;
  Kind: string;
  Note: string | null;
  Tags: string[];
  Labels: Record<string, string>;
  Blob: string;
}

export function probe(key: string, different: Partial<Probe> = {}): Probe {
  return {
    Probe: key,
    Amount: '1250.500',
    Day: '2026-02-01',
    At: '2026-01-31T12:00:00.123Z',
    Count: 2 ** 52,
    Ratio: 0.1,
    Flag: true,
    Kind: 'SALES',
    Note: null,
    Tags: ['a', 'ß'],
    Labels: { colour: 'grün' },
    Blob: 'AP8=',
    ...different,
  };
}

/** Data at the edges of its types. */
export const ODD: Partial<Probe>[] = [
  { Amount: '-0.005', Day: '1969-12-31', At: '1969-12-31T23:59:59.999Z', Count: -1, Ratio: -1.5e300 },
  { Amount: '9999999999999.999', Note: 'with a note: 雪, 🌨', Kind: 'OTHER', Tags: [], Labels: {}, Blob: '' },
  { Amount: '0.000', Day: '2400-02-29', At: '9999-12-31T23:59:59.999Z', Count: 0, Ratio: 0, Flag: false, Note: '' },
];

/** Its name says which, as a record's must. */
export function probeType(name: string, topic: string, envelope?: EnvelopeMode): ProbeType {
  const type = `heddle.interop.v1.Probe.${name}.v1`;
  const record = `Probe${name}`;
  const heddle = { type, topic, key: 'Probe', summary: 'A probe was made.', example: probe('1'), envelope };
  const field = (named: string, own: unknown) => ({ name: named, type: own, doc: named });
  const schema = {
    type: 'record',
    namespace: 'heddle.interop.v1',
    name: record,
    doc: 'A probe.',
    heddle,
    fields: [
      field('Probe', 'string'),
      field('Amount', { type: 'bytes', logicalType: 'decimal', precision: 16, scale: 3 }),
      field('Day', { type: 'int', logicalType: 'date' }),
      field('At', { type: 'long', logicalType: 'timestamp-millis' }),
      field('Count', 'long'),
      field('Ratio', 'double'),
      field('Flag', 'boolean'),
      field('Kind', { type: 'enum', name: `Kind${name}`, symbols: ['OTHER', 'SALES'], default: 'OTHER' }),
      { ...field('Note', ['null', 'string']), default: null },
      field('Tags', { type: 'array', items: 'string' }),
      field('Labels', { type: 'map', values: 'string' }),
      field('Blob', 'bytes'),
    ],
  };
  return { type, topic, subject: `${topic}-heddle.interop.v1.${record}`, schema };
}

const WORDS = [
  'Müller & Söhne',
  'Žižkov',
  'Ωμέγα',
  'заказ',
  '注文',
  '주문',
  'طلب',
  '🛒',
  '🇪🇺',
  'naïve café',
  'a b',
  'a/b',
  'ſ',
];
const LONG = ['k'.repeat(256), '雪'.repeat(85), '9'.repeat(200)];

/** Business keys of every kind, in their canonical form: numbers, words in many scripts, long ones, single characters. */
export const KEYS: readonly string[] = [
  ...Array.from({ length: 60 }, (_, index) => String(index)),
  ...Array.from({ length: 60 }, (_, index) => String(1_000_000_000 + index * 7919)),
  ...Array.from({ length: 40 }, (_, index) => `C-2026-${String(index).padStart(4, '0')}`),
  ...WORDS,
  ...WORDS.map((word) => word.repeat(3)),
  ...LONG,
  ...Array.from('aZ!~-_.:;@+=$%'),
].map(canonicalKey);
