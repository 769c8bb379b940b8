import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Frame, FrameStream } from './frame-stream.js';
import { PerformativeWriter } from './performative-writer.js';

const MOST = 4096;

function frames(...bodies: readonly Uint8Array[]): Buffer {
  const writer = new PerformativeWriter();
  writer.protocolHeader(0);
  for (const [channel, body] of bodies.entries()) {
    const frame = writer.beginFrame(0, channel);
    writer.raw(body);
    writer.endFrame(frame);
  }
  return Buffer.from(writer.take());
}

it('frames are the same however the network cuts them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (bodies, cuts) => {
        const bytes = frames(...bodies);
        const stream = new FrameStream(MOST);
        const found: Frame[] = [];
        let isBegun = false;
        for (let at = 0, n = 0; at < bytes.length; n += 1) {
          const until = at + cuts[n % cuts.length]!;
          stream.add(bytes.subarray(at, until));
          at = until;
          isBegun ||= stream.header() !== undefined;
          for (let frame = isBegun ? stream.frame() : undefined; frame !== undefined; frame = stream.frame())
            found.push(frame);
        }
        expect(found.map(({ channel, body }) => [channel, [...body]])).toEqual(
          bodies.map((body, channel) => [channel, [...body]]),
        );
      },
    ),
  );
});

it('a frame that is larger than allowed is refused by its size, before the rest of it has come', () => {
  const stream = new FrameStream(MOST);
  stream.add(frames(Buffer.alloc(MOST)).subarray(0, 16));
  expect(stream.header()).toEqual({ protocol: 0, isVersion1: true });
  expect(() => stream.frame()).toThrow(`larger than ${MOST} bytes`);
});

it('what does not begin with AMQP is refused', () => {
  const stream = new FrameStream(MOST);
  stream.add(Buffer.from('GET / HTTP/1.1'));
  expect(() => stream.header()).toThrow('does not begin with AMQP');
});

it('a frame whose data is outside of it is refused', () => {
  for (const head of [
    [0, 0, 0, 7, 2, 0, 0, 0],
    [0, 0, 0, 8, 1, 0, 0, 0],
    [0, 0, 0, 8, 3, 0, 0, 0],
  ]) {
    const stream = new FrameStream(MOST);
    stream.add(Buffer.from(head));
    expect(() => stream.frame()).toThrow('This is no AMQP 1.0');
  }
});
