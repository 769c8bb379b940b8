import { HeddleError, parseAddress } from '@heddle/event';
import type { IncomingMessage } from '../../messages/incoming-message.js';
import type { ConnectPacket, MqttVersion, WillFields } from './client-packets.js';
import { messageOfPacket } from './message-packet.js';
import type { MqttValues } from './mqtt.settings.js';
import { MqttRefusal, REASONS } from './reason-codes.js';

/** What is published when a client is lost (MQTT 5 §3.1.2.5). */
export interface Will {
  message: IncomingMessage;
  /** Whether it is kept for who subscribes to its topic later. */
  isRetained: boolean;
  /** Seconds between the loss and the will. */
  delaySeconds: number;
  /** Seconds after which it is not wanted any more, from when it is published. */
  expirySeconds: number | undefined;
}

/** What a CONNECT asks for, held to the rules and to the limits. */
export interface ConnectWish {
  version: MqttVersion;
  /** Empty when the server is to find one. */
  clientId: string;
  cleanStart: boolean;
  /** Seconds that the session is kept after its connection; 0 ends it with that. */
  expirySeconds: number;
  keepAliveSeconds: number;
  /** Messages of QoS 1 that the client takes at once. */
  receiveMaximum: number;
  /** Bytes of a packet that the client takes. */
  maxPacketBytes: number;
  /** Topic aliases that the client knows. */
  aliasMaximum: number;
  /** Whether reasons may be said in words, too. */
  wantsWords: boolean;
  username: string | undefined;
  password: string | undefined;
  will: Will | undefined;
}

const FOREVER_S = 0xffff_ffff;
const MAX_CLIENT_ID = 1024;
const HOUR_S = 3600;
/** Topic aliases that are remembered for a client that writes. */
export const ALIASES = 64;

/** @throws MqttRefusal what the CONNECT is refused with */
export function readConnect(packet: ConnectPacket, version: MqttVersion, values: MqttValues): ConnectWish {
  const { clientId, clean, keepalive, properties, username, password, will } = packet;
  if (properties.authenticationMethod !== undefined) {
    throw new MqttRefusal(REASONS.badAuthenticationMethod, 'Authenticate with a token, or with client id and secret.');
  }
  if (properties.authenticationData !== undefined) {
    throw new MqttRefusal(REASONS.protocolError, 'Authentication data comes with its method.');
  }
  if (clientId.length > MAX_CLIENT_ID || hasControls(clientId)) {
    throw new MqttRefusal(
      REASONS.clientIdInvalid,
      `A client id has up to ${MAX_CLIENT_ID} characters, none of control.`,
    );
  }
  if (version === 4 && clientId === '' && !clean) {
    throw new MqttRefusal(REASONS.clientIdInvalid, 'A session that is to be kept needs a client id.');
  }
  return {
    version,
    clientId,
    cleanStart: clean,
    expirySeconds: expiryOf(version, clean, properties.sessionExpiryInterval, values),
    keepAliveSeconds: keepalive,
    receiveMaximum: Math.min(properties.receiveMaximum ?? values.mqttMaxInFlight, values.mqttMaxInFlight),
    maxPacketBytes: properties.maximumPacketSize ?? Infinity,
    aliasMaximum: Math.min(properties.topicAliasMaximum ?? 0, ALIASES),
    wantsWords: version === 5 && properties.requestProblemInformation !== false,
    username,
    password: password?.toString(),
    will: will === undefined ? undefined : willOf(will, version, values),
  };
}

/** Seconds that a session may be kept: what is asked for, and no longer than allowed. */
export function keptSeconds(asked: number, { mqttMaxSessionHours }: Pick<MqttValues, 'mqttMaxSessionHours'>): number {
  return Math.min(asked, Math.floor(mqttMaxSessionHours * HOUR_S));
}

/** Without a session expiry, as in MQTT 3.1.1, a session that is not clean is kept as long as any may be. */
function expiryOf(version: MqttVersion, clean: boolean, asked: number | undefined, values: MqttValues): number {
  if (version === 4) return clean ? 0 : keptSeconds(FOREVER_S, values);
  return keptSeconds(asked ?? 0, values);
}

/** @throws MqttRefusal for a topic that nothing can be published to, and as `messageOfPacket` */
function willOf(
  { topic, payload, retain, properties }: WillFields,
  version: MqttVersion,
  values: Pick<MqttValues, 'mqttRetained'>,
): Will {
  if (retain) requireRetain(version, values);
  const { willDelayInterval = 0, messageExpiryInterval, ...said } = properties;
  const message = messageOfPacket({ payload, properties: said, retain }, topic, 0);
  try {
    parseAddress(message.address);
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    throw new MqttRefusal(REASONS.topicNameInvalid, `Of the will: ${error.message}`);
  }
  return {
    message,
    isRetained: retain && values.mqttRetained > 0,
    delaySeconds: willDelayInterval,
    expirySeconds: messageExpiryInterval,
  };
}

/** MQTT-3.2.2-13, MQTT-3.2.2-14; in MQTT 3.1.1 the flag means nothing then. @throws MqttRefusal */
export function requireRetain(version: MqttVersion, { mqttRetained }: Pick<MqttValues, 'mqttRetained'>): void {
  if (version === 4 || mqttRetained > 0) return;
  throw new MqttRefusal(REASONS.retainNotSupported, 'Nothing is retained here.');
}

function hasControls(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f) || code === 0xfffd) return true;
  }
  return false;
}
