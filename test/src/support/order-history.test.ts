import { describe, expect, it } from 'vitest';
import type { LogRecord } from './foreign-kafka.js';
import { checkOrderHistory } from './order-history.js';

const KEYS = ['1', '2', '3'];
const VERSION = 3;

describe('the comparison of a topic with the database', () => {
  it('finds nothing wrong with a history that kept every promise, repeats included', () => {
    const clean = history();
    expect(check(clean)).toEqual({ problems: [], events: 12, repeats: 0 });
    expect(check([...clean, ...clean.slice(0, 5)])).toEqual({ problems: [], events: 12, repeats: 5 });
  });

  const defects: [what: string, plant: (records: LogRecord[]) => LogRecord[], finding: RegExp][] = [
    ['a committed event that is missing at the end', (all) => all.slice(0, -1), /committed events are missing/],
    ['a committed event that is missing in between', (all) => all.toSpliced(1, 1), /committed events are missing/],
    ['all events of an order missing', (all) => all.filter(({ key }) => key !== '2'), /committed events are missing/],
    ['an event nobody committed', (all) => [...all, event('1', 5)], /never committed/],
    ['events of an order that was rolled back', (all) => [...all, event('4', 1)], /4: 1 events were never committed/],
    ['two events in the wrong order', (all) => [all[1]!, all[0]!, ...all.slice(2)], /has the number 2/],
    ['an event appended twice under two ids', (all) => [...all, renamed(all[0]!)], /never committed/],
    ['a repeat with another value', (all) => [...all, { ...all[0]!, value: Buffer.from('x') }], /other content/],
    ['a repeat with another header', (all) => [...all, withHeader(all[0]!, 'ce_time', 'now')], /other content/],
    ['a number used twice', (all) => all.with(1, withHeader(all[1]!, 'ce_sequence', '1')), /has the number 1/],
    [
      'a notification of a version that is not its own',
      (all) => all.with(0, withHeader(all[0]!, 'ce_dataref', '?version=2')),
      /speaks of version 2/,
    ],
    ['a key in two partitions', (all) => all.with(3, { ...all[3]!, partition: 7 }), /several partitions/],
  ];

  it.each(defects)('finds %s', (_what, plant, finding) => {
    expect(check(plant(history())).problems.join('\n')).toMatch(finding);
  });

  it('finds a change that was acknowledged and is not stored', () => {
    const { problems } = checkOrderHistory(history(), {
      stored: new Map(KEYS.map((key) => [key, VERSION])),
      acknowledged: new Map(KEYS.map((key) => [key, key === '1' ? VERSION + 1 : 0])),
    });
    expect(problems).toEqual(['1: version 4 was acknowledged, 3 is stored']);
  });
});

function check(records: LogRecord[]): ReturnType<typeof checkOrderHistory> {
  return checkOrderHistory(records, {
    stored: new Map(KEYS.map((key) => [key, VERSION])),
    acknowledged: new Map([...KEYS.map((key): [string, number] => [key, VERSION]), ['4', 0]]),
  });
}

function history(): LogRecord[] {
  return KEYS.flatMap((key) => Array.from({ length: VERSION + 1 }, (_, index) => event(key, index + 1)));
}

function event(key: string, sequence: number): LogRecord {
  const headers = {
    ce_id: `${key}-${sequence}`,
    ce_sequence: String(sequence).padStart(12, '0'),
    ce_dataref: `/v1/objects/sales-order/${key}?version=${Math.max(1, sequence - 1)}`,
  };
  return { topic: 'sales-order', partition: Number(key), offset: sequence, key, headers, value: Buffer.from(key) };
}

function renamed(record: LogRecord): LogRecord {
  return withHeader(record, 'ce_id', 'another');
}

function withHeader(record: LogRecord, name: string, value: string): LogRecord {
  return { ...record, headers: { ...record.headers, [name]: value } };
}
