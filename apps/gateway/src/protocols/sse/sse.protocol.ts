import { answerProblem } from '@heddle/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Socket } from 'node:net';
import { SocketSink } from '../../streams/socket-sink.js';
import { Limits } from '../../limits/limits.js';
import type { Doors, OpenProtocol, Protocol } from '../protocol.js';
import { streamWish } from '../stream-request.js';
import { HEARTBEAT, RETRY, sseForm } from './sse.frames.js';

const HEARTBEAT_MS = 15_000;

/** `GET /v1/stream` as server-sent events (WHATWG HTML §9.2). */
export const sse: Protocol = {
  name: 'sse',
  open(doors: Doors): OpenProtocol {
    const limits = doors.limits ?? new Limits();
    const sockets = new Set<Socket>();
    doors.server.get('/v1/stream', (request, reply) => stream({ ...doors, limits }, sockets, request, reply));
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
  let wish;
  let disconnected;
  try {
    const { searchParams } = new URL(request.url, 'http://gateway');
    const lastEventId = request.headers['last-event-id'];
    wish = streamWish(searchParams, typeof lastEventId === 'string' ? lastEventId : undefined);
    disconnected = doors.limits.connect(request.caller, request.ip);
  } catch (error) {
    return answerProblem(reply, error, doors.log);
  }
  reply.hijack();
  const { raw } = reply;
  const { socket } = raw;
  // Gone already: its end will not be heard of any more.
  if (socket === null || socket.destroyed) {
    disconnected();
    return reply;
  }
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
  const open = doors.streams.open({
    ...wish,
    form: sseForm,
    sink: new SocketSink(socket, () => socket.end(), doors.limits.values.limitSlowMs),
  });
  socket.once('close', () => {
    sockets.delete(socket);
    disconnected();
    open.close();
  });
  return reply;
}
