import { SocketSink } from '../../streams/socket-sink.js';
import type { StreamHub } from '../../streams/stream-hub.js';
import type { LimitValues } from '../../limits/limit.settings.js';
import { streamWish } from '../stream-request.js';
import { CLOSE_CODES } from './close-codes.js';
import type { SocketRoute } from './socket-route.js';
import { CLOUDEVENTS_JSON, websocketForm } from './websocket.frames.js';

/** Clients have nothing to say on a stream; what they may still send is small. */
const MAX_MESSAGE_BYTES = 4096;

/** `GET /v1/stream`: events one way, as the CloudEvents WebSocket binding has them. */
export function streamRoute(streams: StreamHub, { limitSlowMs }: Pick<LimitValues, 'limitSlowMs'>): SocketRoute {
  return {
    path: /^\/v1\/stream$/,
    subprotocol: CLOUDEVENTS_JSON,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    admit(caller, url) {
      const wish = streamWish(caller, url.searchParams);
      return (client, socket, session) => {
        const sink = new SocketSink(socket, (reason) => client.close(CLOSE_CODES[reason], reason), limitSlowMs);
        const open = streams.open({ ...wish, form: websocketForm, sink });
        client.on('message', () => client.close(CLOSE_CODES.unsupported, 'unsupported'));
        client.on('close', () => open.close());
        session.onDismissed((reason) => {
          open.close();
          sink.close(reason);
        });
      };
    },
  };
}
