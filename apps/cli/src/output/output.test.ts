import { describe, expect, it } from 'vitest';
import { readYaml, writeYaml } from './yaml.js';
import { table } from './table.js';
import { duration, timeOf } from './times.js';
import { tree } from './tree.js';

describe('text', () => {
  it('stands under its titles, and what came from elsewhere cannot move the cursor', () => {
    const rows = [
      { name: 'a', count: 5 },
      { name: 'b\u001b[2J', count: 500 },
    ];
    expect(
      table(rows, [
        { title: 'name', of: ({ name }) => name },
        { title: 'count', of: ({ count }) => count, align: 'right' },
      ]),
    ).toEqual(['NAME   COUNT', 'a          5', 'b [2J    500']);
    expect(table([], [], 'nothing yet')).toEqual(['nothing yet']);
  });

  it('is drawn as a tree', () => {
    const leaf = { text: 'c' };
    expect(tree([{ text: 'a', children: [{ text: 'b', children: [leaf] }, leaf] }])).toEqual([
      'a',
      '├─ b',
      '│  └─ c',
      '└─ c',
    ]);
  });
});

describe('times', () => {
  const NOW = Date.parse('2026-01-31T12:00:00Z');

  it.each([
    ['10m', '2026-01-31T11:50:00.000Z'],
    ['2h', '2026-01-31T10:00:00.000Z'],
    ['1.5d', '2026-01-30T00:00:00.000Z'],
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
    ['2026-01-31T12:00:00+01:00', '2026-01-31T11:00:00.000Z'],
  ])('%s is %s', (text, time) => {
    expect(timeOf(text, NOW)).toBe(time);
  });

  it.each(['', 'now', '10', '5 minutes', '31.01.2026', '-5m'])('%j is none', (text) => {
    expect(() => timeOf(text, NOW)).toThrow('is no time');
  });

  it('that something takes are short to read', () => {
    expect([0, 12.4, 3400, 90_000, 9_000_000, 260_000_000].map(duration)).toEqual([
      '0 ms',
      '12 ms',
      '3.4 s',
      '1.5 min',
      '2.5 h',
      '3 d',
    ]);
  });
});

describe('YAML', () => {
  it('comes back as it was written', () => {
    const value = { name: 'x', list: [1, 'true', 'null', '0123', null], text: 'a: b\n${C}' };
    expect(readYaml(writeYaml(value), 'f')).toEqual([value]);
  });

  it('that is wrong names the place, and a small file that unfolds into a large one is refused', () => {
    expect(() => readYaml('a: [1', 'f.yaml')).toThrow(/f\.yaml is no YAML: .*line 1/);
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
      .split('')
      .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(',')}]`)
      .join('\n')}`;
    expect(() => readYaml(bomb, 'f.yaml')).toThrow(/alias/i);
  });
});
