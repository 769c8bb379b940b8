import { expect, it } from 'vitest';
import { RequestReader } from './request-reader.js';
import { readId, stampedId } from './sample-event.js';

const REQUESTS =
  `POST /17 HTTP/1.1\r\nhost: x\r\nwebhook-id: ${stampedId(123, 4)}\r\ncontent-length: 5\r\n\r\nhello` +
  `POST / HTTP/1.1\r\ncontent-length: 4\r\nwebhook-id: ${stampedId(9, 10)}\r\n\r\n\r\n\r\n` +
  'POST /3/x HTTP/1.1\r\nhost: x\r\n\r\n';

it('requests are told apart wherever the network cuts them', () => {
  const bytes = Buffer.from(REQUESTS);
  for (let size = 1; size <= bytes.length; size += 1) {
    const read: unknown[] = [];
    const reader = new RequestReader(({ endpoint, idAt, head, bodyBytes }) =>
      read.push([endpoint, bodyBytes, idAt < 0 ? undefined : readId(head, idAt)]),
    );
    for (let at = 0; at < bytes.length; at += size) reader.feed(bytes.subarray(at, at + size));
    expect(read).toEqual([
      [17, 5, { micros: 123, number: 4 }],
      [0, 4, { micros: 9, number: 10 }],
      [3, 0, undefined],
    ]);
  }
});
