import type { IConnackPacket, IDisconnectPacket } from 'mqtt-packet';
import type { MqttVersion } from './client-packets.js';
import { ALIASES, type ConnectWish } from './connect.js';
import type { MqttValues } from './mqtt.settings.js';
import { REASONS, type Reason, reasonIn, returnCodeOf } from './reason-codes.js';

const MAX_WORDS = 200;

/** The answer to a client that is let in. MQTT 5 says what it may do here (§3.2.2.3). */
export function connack(
  wish: ConnectWish,
  { isPresent, clientId, values }: { isPresent: boolean; clientId: string; values: MqttValues },
): IConnackPacket {
  if (wish.version === 4) return { cmd: 'connack', returnCode: 0, sessionPresent: isPresent };
  return {
    cmd: 'connack',
    reasonCode: 0,
    sessionPresent: isPresent,
    properties: {
      sessionExpiryInterval: wish.expirySeconds,
      receiveMaximum: values.mqttMaxInFlight,
      maximumPacketSize: values.mqttMaxPacketBytes,
      topicAliasMaximum: ALIASES,
      retainAvailable: values.mqttRetained > 0,
      wildcardSubscriptionAvailable: true,
      subscriptionIdentifiersAvailable: true,
      sharedSubscriptionAvailable: true,
      ...(wish.clientId === '' ? { assignedClientIdentifier: clientId } : {}),
    },
  };
}

/** What is wrong with a CONNECT that is none. */
const NO_CONNECT: readonly Reason[] = [REASONS.malformedPacket, REASONS.protocolError];

/**
 * The answer to a client that is not let in. In MQTT 3.1.1 there is none to what is no CONNECT (MQTT-3.1.4-1), nor is there when
 * nobody knows what is spoken.
 *
 * @param version of a client whose CONNECT has begun to say so
 */
export function refusal(version: MqttVersion | undefined, reason: Reason, words: string): IConnackPacket | undefined {
  if (version === undefined && reason !== REASONS.unsupportedVersion) return undefined;
  if (version === 4 && NO_CONNECT.includes(reason)) return undefined;
  if (version !== 5) return { cmd: 'connack', returnCode: returnCodeOf(reason), sessionPresent: false };
  return {
    cmd: 'connack',
    reasonCode: reasonIn('connack', reason),
    sessionPresent: false,
    properties: { reasonString: words.slice(0, MAX_WORDS) },
  };
}

/** What a client is told before its connection is ended from here; MQTT 3.1.1 has no words for it. */
export function goodbye(
  version: MqttVersion | undefined,
  reason: Reason,
  words: string | undefined,
): IDisconnectPacket | undefined {
  if (version !== 5) return undefined;
  const said = words === undefined ? {} : { properties: { reasonString: words.slice(0, MAX_WORDS) } };
  return { cmd: 'disconnect', reasonCode: reasonIn('disconnect', reason), ...said };
}
