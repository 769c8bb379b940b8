import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { HeddleError, problemOf } from '@heddle/event';

/** What Node hands over of a request that it could not read to its end; the answer that is under way, if any. */
type BrokenSocket = Socket & { _httpMessage?: ServerResponse };

/**
 * Answers what never became a request: broken, too slow, or with header fields without measure. The connection ends,
 * whether or not the answer is read.
 */
export function answerBroken(error: Error, socket: Socket): void {
  const { code } = error as NodeJS.ErrnoException;
  const isAnswering = (socket as BrokenSocket)._httpMessage?.headersSent === true;
  if (code !== 'ECONNRESET' && socket.writable && !isAnswering) socket.write(rawProblem(refusalOf(code)));
  socket.destroy();
}

/** A whole HTTP/1.1 answer with a problem, after which the connection is closed. */
export function rawProblem(error: unknown, headers: Readonly<Record<string, string>> = {}): string {
  const problem = problemOf(error);
  const body = JSON.stringify(problem);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return (
    `HTTP/1.1 ${problem.status} ${problem.title}\r\ncontent-type: application/problem+json\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\n${lines.join('')}connection: close\r\n\r\n${body}`
  );
}

function refusalOf(code: string | undefined): HeddleError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new HeddleError('headers-too-large', 'The header fields have more bytes than allowed here.', {
      field: 'headers',
    });
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new HeddleError('request-timeout', 'The request did not arrive in the time it has.');
  }
  return new HeddleError('body-invalid', 'This is no HTTP/1.1 request.');
}
