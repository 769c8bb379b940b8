import type { Form } from '../../represent.js';

/** The subprotocol of the CloudEvents WebSocket binding: each text frame is one event in JSON format. */
export const CLOUDEVENTS_JSON = 'cloudevents.json';

/** An event as a whole text frame, with the token to resume after it as an extension attribute. */
export const websocketForm: Form = {
  name: 'websocket-cloudevents.json',
  encode: (event) => textFrame(Buffer.from(`${event.openJson},"resumetoken":"${event.token}"}`)),
};

/** An unmasked, unfragmented text frame (RFC 6455 §5.2), as servers write them. */
function textFrame(payload: Buffer): Buffer {
  const { length } = payload;
  if (length < 126) return Buffer.concat([Buffer.from([0x81, length]), payload]);
  if (length < 65_536) return Buffer.concat([Buffer.from([0x81, 126, length >> 8, length & 0xff]), payload]);
  const header = Buffer.alloc(10);
  header[0] = 0x81;
  header[1] = 127;
  header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, payload]);
}
