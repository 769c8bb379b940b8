import { expect, it } from 'vitest';
import { FrameReader } from './frame-reader.js';

function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  if (length < 126) return Buffer.concat([Buffer.from([0x80 | opcode, length]), payload]);
  if (length < 65_536) return Buffer.concat([Buffer.from([0x80 | opcode, 126, length >> 8, length & 0xff]), payload]);
  const header = Buffer.alloc(10);
  header[0] = 0x80 | opcode;
  header[1] = 127;
  header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, payload]);
}

const TEXTS = ['', 'short', 'm'.repeat(126), 'l'.repeat(65_536)];
const BYTES = Buffer.concat([
  ...TEXTS.slice(0, 2).map((text) => frame(1, Buffer.from(text))),
  frame(9, Buffer.alloc(0)),
  ...TEXTS.slice(2).map((text) => frame(1, Buffer.from(text))),
  frame(8, Buffer.from([3, 232])),
]);

it.each([true, false])('messages are counted wherever the network cuts them (payloads kept: %s)', (keeps) => {
  for (const size of [1, 2, 3, 7, 100, 4096, BYTES.length]) {
    const seen: string[] = [];
    const handler = {
      onText: (payload?: Buffer) => seen.push(payload?.toString() ?? 'text'),
      onPing: () => seen.push('ping'),
      onClose: () => seen.push('close'),
    };
    const reader = new FrameReader(handler, keeps);
    for (let at = 0; at < BYTES.length; at += size) {
      const piece = BYTES.subarray(at, at + size);
      reader.feed(piece, piece.length);
    }
    const [empty, short, medium, long] = keeps ? TEXTS : TEXTS.map(() => 'text');
    expect(seen).toEqual([empty, short, 'ping', medium, long, 'close']);
  }
});
