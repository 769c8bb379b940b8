import { SocketSink } from '../../streams/socket-sink.js';
import type { StreamHub } from '../../streams/stream-hub.js';
import type { LimitValues } from '../../limits/limit.settings.js';
import { streamWish } from '../stream-request.js';
import type { SocketRoute } from './upgrades.js';
import { CLOUDEVENTS_JSON, websocketForm } from './websocket.frames.js';

/** Clients have nothing to say on a stream; what they may still send is small. */
const MAX_MESSAGE_BYTES = 4096;

/** `GET /v1/stream`: events one way, as the CloudEvents WebSocket binding has them. */
export function streamRoute(streams: StreamHub, { limitSlowMs }: Pick<LimitValues, 'limitSlowMs'>): SocketRoute {
  return {
    path: /^\/v1\/stream$/,
    subprotocol: CLOUDEVENTS_JSON,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    admit(url) {
      const wish = streamWish(url.searchParams);
      return (client, socket) => {
        const finish = (reason: 'stopping' | 'failed'): void =>
          client.close(reason === 'stopping' ? 1001 : 1011, reason === 'stopping' ? 'stopping' : 'come back');
        const sink = new SocketSink(socket, finish, limitSlowMs);
        const open = streams.open({ ...wish, form: websocketForm, sink });
        client.on('message', () => client.close(1003, 'streams carry events one way: publish at POST /v1/events'));
        client.on('close', () => open.close());
      };
    },
  };
}
