import { type Access, callerOf } from '@heddle/auth';
import { answerProblem } from '@heddle/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Socket } from 'node:net';
import { SocketSink } from '../../streams/socket-sink.js';
import { Limits } from '../../limits/limits.js';
import type { Doors, OpenProtocol, Protocol } from '../protocol.js';
import { streamWish } from '../stream-request.js';
import { HEARTBEAT, RETRY, goodbye, sseForm } from './sse.frames.js';

const HEARTBEAT_MS = 15_000;
/** Which types is decided behind the door. */
const ACCESS: Access = { verb: 'consume', kind: 'type' };

/** `GET /v1/stream` as server-sent events (WHATWG HTML §9.2). */
export const sse: Protocol = {
  name: 'sse',
  open(doors: Doors): OpenProtocol {
    const limits = doors.limits ?? new Limits();
    const sockets = new Set<Socket>();
    // There is no head of a stream: what answers it is the stream.
    const options = { config: { access: ACCESS }, exposeHeadRoute: false };
    doors.server.get('/v1/stream', options, (request, reply) => stream({ ...doors, limits }, sockets, request, reply));
    const heartbeat = setInterval(() => {
      for (const socket of sockets) if (socket.writableLength === 0) socket.write(HEARTBEAT);
    }, HEARTBEAT_MS);
    return { close: () => clearInterval(heartbeat) };
  },
};

function stream(
  doors: Doors & { limits: Limits },
  sockets: Set<Socket>,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { raw } = reply;
  const { socket } = raw;
  // Gone already: its end will not be heard of any more.
  if (socket === null || socket.destroyed) return reply.hijack();
  let wish;
  let session;
  try {
    const caller = callerOf(request);
    const { searchParams } = new URL(request.url, 'http://gateway');
    const lastEventId = request.headers['last-event-id'];
    wish = streamWish(caller, searchParams, typeof lastEventId === 'string' ? lastEventId : undefined);
    session = doors.sessions.open(caller, socket, request.ip);
  } catch (error) {
    return answerProblem(reply, error, doors.log);
  }
  reply.hijack();

  // Without chunks the bytes made once for all receivers go to the socket as they are; the end of the connection is
  // the end of the response.
  raw.useChunkedEncodingByDefault = false;
  raw.shouldKeepAlive = false;
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    connection: 'close',
  });
  raw.flushHeaders();
  socket.setNoDelay(true);
  socket.setTimeout(0);
  socket.write(RETRY);
  sockets.add(socket);
  const sink = new SocketSink(socket, (reason) => socket.end(goodbye(reason)), doors.limits.values.limitSlowMs);
  const open = doors.streams.open({ ...wish, form: sseForm, sink });
  session.onDismissed((reason) => {
    open.close();
    sink.close(reason);
  });
  socket.once('close', () => {
    sockets.delete(socket);
    open.close();
  });
  return reply;
}
