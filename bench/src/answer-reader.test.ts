import { expect, it } from 'vitest';
import { AnswerReader } from './answer-reader.js';

const ANSWERS =
  'HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\nx: y\r\n\r\nhello' +
  'HTTP/1.1 204 No Content\r\nx: y\r\n\r\n' +
  'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n' +
  'HTTP/1.1 207 Multi-Status\r\ncontent-length: 4\r\n\r\n\r\n\r\n';

it('answers are told apart wherever the network cuts them', () => {
  const bytes = Buffer.from(ANSWERS);
  for (let size = 1; size <= bytes.length; size += 1) {
    const statuses: number[] = [];
    const bodies: string[] = [];
    const reader = new AnswerReader((status, body) => {
      statuses.push(status);
      bodies.push(String(body));
    }, true);
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.subarray(at, at + size);
      reader.feed(piece, piece.length);
    }
    expect(statuses).toEqual([202, 204, 503, 207]);
    expect(bodies).toEqual(['hello', '', '', '\r\n\r\n']);
  }
});
