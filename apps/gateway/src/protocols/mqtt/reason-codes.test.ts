import { type Packet, generate, parser } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { REASONS, type Reason, reasonIn } from './reason-codes.js';

const properties = { reasonString: 'because' };
/** Each packet that says a reason of ours, as it is written. */
const PACKETS = {
  connack: (reasonCode: Reason) => ({ cmd: 'connack', reasonCode, sessionPresent: false, properties }),
  puback: (reasonCode: Reason) => ({ cmd: 'puback', messageId: 1, reasonCode, properties }),
  suback: (reasonCode: Reason) => ({ cmd: 'suback', messageId: 1, granted: [reasonCode], properties }),
  disconnect: (reasonCode: Reason) => ({ cmd: 'disconnect', reasonCode, properties }),
};

/** What a client that checks makes of a packet; throws where it would let go of us. */
function read(packet: object): Packet {
  const client = parser({ protocolVersion: 5 });
  let found: Packet | undefined;
  client.on('packet', (one) => (found = one));
  client.on('error', (error) => {
    throw error;
  });
  client.parse(generate(packet as Packet, { protocolVersion: 5 }));
  return found!;
}

describe.each(Object.keys(PACKETS) as (keyof typeof PACKETS)[])('%s', (kind) => {
  it('says every reason there is in a code that clients know for it', () => {
    for (const [name, reason] of Object.entries(REASONS)) {
      const said = reasonIn(kind, reason);
      expect(() => read(PACKETS[kind](said)), name).not.toThrow();
      if (reason >= REASONS.unspecified) expect(said, name).toBeGreaterThanOrEqual(REASONS.unspecified);
    }
  });
});

it('a client that checks takes offence at a code its packet does not know', () => {
  expect(() => read(PACKETS.suback(REASONS.serverUnavailable))).toThrow('Invalid suback code');
});

it('what a packet may say is said as it is, anything else as the nearest there is', () => {
  expect(reasonIn('suback', REASONS.notAuthorized)).toBe(REASONS.notAuthorized);
  expect(reasonIn('suback', REASONS.topicNameInvalid)).toBe(REASONS.topicFilterInvalid);
  expect(reasonIn('suback', REASONS.serverUnavailable)).toBe(REASONS.implementationSpecific);
  expect(reasonIn('connack', REASONS.shuttingDown)).toBe(REASONS.serverUnavailable);
  expect(reasonIn('connack', REASONS.maximumConnectTime)).toBe(REASONS.notAuthorized);
  expect(reasonIn('disconnect', REASONS.serverUnavailable)).toBe(REASONS.serverBusy);
  expect(reasonIn('puback', REASONS.payloadFormatInvalid)).toBe(REASONS.payloadFormatInvalid);
});
