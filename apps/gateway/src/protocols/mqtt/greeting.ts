import type { IConnackPacket } from 'mqtt-packet';
import { ALIASES, type ConnectWish } from './connect.js';
import type { MqttVersion } from './mqtt.frames.js';
import type { MqttValues } from './mqtt.settings.js';
import { type Reason, reasonIn, returnCodeOf } from './reason-codes.js';

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
      retainAvailable: true,
      wildcardSubscriptionAvailable: true,
      subscriptionIdentifiersAvailable: true,
      sharedSubscriptionAvailable: true,
      ...(wish.clientId === '' ? { assignedClientIdentifier: clientId } : {}),
    },
  };
}

/** The answer to a client that is not let in. */
export function refusal(version: MqttVersion, reason: Reason, words: string): IConnackPacket {
  if (version === 4) return { cmd: 'connack', returnCode: returnCodeOf(reason), sessionPresent: false };
  return {
    cmd: 'connack',
    reasonCode: reasonIn('connack', reason),
    sessionPresent: false,
    properties: { reasonString: words.slice(0, MAX_WORDS) },
  };
}
