import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type SseMessage, SseReader } from './sse-reader.js';

it('reads what the gateway writes: the pause, comments, ids and data', () => {
  const reader = new SseReader();
  const text = 'retry: 2000\n\n:\n\nid: t1\ndata: {"a":1}\n\nid: t2\ndata: {"a":2}\n\n: expired, come back\n\n';
  expect(reader.push(text)).toEqual([
    { id: 't1', data: '{"a":1}' },
    { id: 't2', data: '{"a":2}' },
  ]);
  expect(reader.retryMs).toBe(2000);
});

it('joins lines of data, keeps the last id, and passes over what it does not know', () => {
  const reader = new SseReader();
  expect(reader.push('id:t1\ndata:a\ndata: b\nevent: x\nfoo\n\ndata\n\nid\ndata: c\n\n')).toEqual([
    { id: 't1', data: 'a\nb' },
    { id: 't1', data: '' },
    { id: '', data: 'c' },
  ]);
});

it('reads the same however the stream is cut into pieces, and whatever ends its lines', () => {
  const line = fc.constantFrom('data: x', 'data: y:z', 'id: 7', ': c', 'retry: 5', '', '');
  const stream = fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')), { maxLength: 30 });
  fc.assert(
    fc.property(stream, fc.array(fc.nat(5), { maxLength: 40 }), (lines, cuts) => {
      // A line that ends with half an end is not complete before what follows.
      const text = `${lines.map(([start, end]) => start + end).join('')}\n\n`;
      expect(inPieces(text, cuts)).toEqual(new SseReader().push(text));
    }),
  );
});

it('gives up on an event without an end', () => {
  const reader = new SseReader();
  const piece = 'x'.repeat(8 * 1024 * 1024);
  expect(() => {
    for (let n = 0; n < 5; n += 1) reader.push(piece);
  }).toThrow(RangeError);
});

function inPieces(text: string, cuts: readonly number[]): SseMessage[] {
  const reader = new SseReader();
  const messages: SseMessage[] = [];
  let at = 0;
  for (const cut of cuts) {
    messages.push(...reader.push(text.slice(at, at + cut)));
    at += cut;
  }
  return [...messages, ...reader.push(text.slice(at))];
}
