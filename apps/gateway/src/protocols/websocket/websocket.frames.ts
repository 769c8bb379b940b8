import type { Form } from '../../represent.js';

/** The subprotocol of the CloudEvents WebSocket binding: each text frame is one event in JSON format. */
export const CLOUDEVENTS_JSON = 'cloudevents.json';

/** An event as a whole text frame, with the token to resume after it as an extension attribute. */
export const websocketForm: Form = {
  name: 'websocket-cloudevents.json',
  encode: (event) => textFrame(`${event.openJson},"resumetoken":"${event.token}"}`),
};

/** An unmasked, unfragmented text frame (RFC 6455 §5.2), as servers write them, in one piece of memory. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  if (length < 126) {
    const frame = Buffer.allocUnsafe(2 + length);
    frame[0] = 0x81;
    frame[1] = length;
    frame.write(text, 2);
    return frame;
  }
  if (length < 65_536) {
    const frame = Buffer.allocUnsafe(4 + length);
    frame[0] = 0x81;
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
    frame.write(text, 4);
    return frame;
  }
  const frame = Buffer.allocUnsafe(10 + length);
  frame[0] = 0x81;
  frame[1] = 127;
  frame.writeBigUInt64BE(BigInt(length), 2);
  frame.write(text, 10);
  return frame;
}
