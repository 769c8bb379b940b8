import { type ErrorCode, HeddleError } from '@heddle/event';

/** The reason codes of MQTT 5 (§2.4) that are said here. */
export const REASONS = {
  success: 0x00,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  unspecified: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecific: 0x83,
  unsupportedVersion: 0x84,
  clientIdInvalid: 0x85,
  badCredentials: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  shuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdInUse: 0x91,
  packetIdNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  useAnotherServer: 0x9c,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
} as const;

export type Reason = (typeof REASONS)[keyof typeof REASONS];

/** Something a client is refused with, in the words of MQTT; everything else that fails is a `HeddleError` as everywhere. */
export class MqttRefusal extends Error {
  constructor(
    readonly reason: Reason,
    message: string,
  ) {
    super(message);
    this.name = 'MqttRefusal';
  }
}

/** Ours in theirs, where MQTT has a word for it. */
const OF_ERRORS: Partial<Record<ErrorCode, Reason>> = {
  'token-missing': REASONS.badCredentials,
  'token-invalid': REASONS.badCredentials,
  'permission-missing': REASONS.notAuthorized,
  'type-owned': REASONS.notAuthorized,
  'origin-refused': REASONS.notAuthorized,
  'frame-invalid': REASONS.malformedPacket,
  'parameter-invalid': REASONS.topicNameInvalid,
  'not-found': REASONS.topicNameInvalid,
  'type-unknown': REASONS.topicNameInvalid,
  'attribute-invalid': REASONS.payloadFormatInvalid,
  'body-invalid': REASONS.payloadFormatInvalid,
  'data-invalid': REASONS.payloadFormatInvalid,
  'content-type-unsupported': REASONS.payloadFormatInvalid,
  'too-complex': REASONS.payloadFormatInvalid,
  'schema-unknown': REASONS.payloadFormatInvalid,
  'schema-incompatible': REASONS.payloadFormatInvalid,
  'too-large': REASONS.quotaExceeded,
  'rate-limited': REASONS.quotaExceeded,
  'quota-exceeded': REASONS.quotaExceeded,
  'queue-full': REASONS.quotaExceeded,
  'too-many-connections': REASONS.quotaExceeded,
  busy: REASONS.serverBusy,
  stopping: REASONS.shuttingDown,
  'queue-elsewhere': REASONS.serverUnavailable,
  'log-unavailable': REASONS.serverUnavailable,
  'registry-unavailable': REASONS.serverUnavailable,
  'not-appended': REASONS.serverUnavailable,
};

/** The reason code that says an error. */
export function reasonOf(error: unknown): Reason {
  if (error instanceof MqttRefusal) return error.reason;
  if (error instanceof HeddleError) return OF_ERRORS[error.code] ?? REASONS.implementationSpecific;
  return REASONS.unspecified;
}

const ANY_OF_THESE = [
  REASONS.success,
  REASONS.unspecified,
  REASONS.implementationSpecific,
  REASONS.notAuthorized,
] as const;
/** What each packet may say (MQTT 5 §2.4, table 2-6), of what is said here. */
const SAID_IN = {
  connack: [
    ...ANY_OF_THESE,
    ...[REASONS.malformedPacket, REASONS.protocolError, REASONS.unsupportedVersion, REASONS.clientIdInvalid],
    ...[REASONS.badCredentials, REASONS.serverUnavailable, REASONS.serverBusy, REASONS.badAuthenticationMethod],
    ...[REASONS.topicNameInvalid, REASONS.packetTooLarge, REASONS.quotaExceeded, REASONS.payloadFormatInvalid],
    ...[REASONS.retainNotSupported, REASONS.useAnotherServer, REASONS.connectionRateExceeded],
  ],
  puback: [
    ...ANY_OF_THESE,
    ...[REASONS.noMatchingSubscribers, REASONS.topicNameInvalid, REASONS.packetIdInUse],
    ...[REASONS.quotaExceeded, REASONS.payloadFormatInvalid],
  ],
  suback: [...ANY_OF_THESE, REASONS.topicFilterInvalid, REASONS.packetIdInUse, REASONS.quotaExceeded],
  disconnect: [
    ...ANY_OF_THESE,
    ...[REASONS.malformedPacket, REASONS.protocolError, REASONS.serverBusy, REASONS.shuttingDown],
    ...[REASONS.keepAliveTimeout, REASONS.sessionTakenOver, REASONS.topicFilterInvalid, REASONS.topicNameInvalid],
    ...[REASONS.receiveMaximumExceeded, REASONS.topicAliasInvalid, REASONS.packetTooLarge],
    ...[REASONS.messageRateTooHigh, REASONS.quotaExceeded, REASONS.administrativeAction],
    ...[REASONS.payloadFormatInvalid, REASONS.retainNotSupported, REASONS.useAnotherServer],
    ...[REASONS.connectionRateExceeded, REASONS.maximumConnectTime],
  ],
} as const satisfies Record<string, readonly Reason[]>;
/** The nearest to what cannot be said somewhere. */
const INSTEAD: Partial<Record<Reason, Reason>> = {
  [REASONS.badCredentials]: REASONS.notAuthorized,
  [REASONS.maximumConnectTime]: REASONS.notAuthorized,
  [REASONS.serverUnavailable]: REASONS.serverBusy,
  [REASONS.shuttingDown]: REASONS.serverUnavailable,
  [REASONS.topicNameInvalid]: REASONS.topicFilterInvalid,
};

/** A reason as a packet may say it: clients take a code that its packet does not know for an error of the protocol. */
export function reasonIn(packet: keyof typeof SAID_IN, reason: Reason): Reason {
  const known: readonly Reason[] = SAID_IN[packet];
  if (known.includes(reason)) return reason;
  const instead = INSTEAD[reason];
  return instead !== undefined && known.includes(instead) ? instead : REASONS.implementationSpecific;
}

/** Whether the same packet may be taken when it comes again: then it is not answered, so that it does. */
export function isPassing(error: unknown): boolean {
  return !(error instanceof MqttRefusal) && (!(error instanceof HeddleError) || error.retryable);
}

/** One line that may be shown to the client; what is inside stays inside. */
export function reasonText(error: unknown): string {
  return error instanceof MqttRefusal || error instanceof HeddleError ? error.message : 'See the log of the server.';
}

const RETURN_CODES: Partial<Record<Reason, number>> = {
  [REASONS.success]: 0,
  [REASONS.unsupportedVersion]: 1,
  [REASONS.clientIdInvalid]: 2,
  [REASONS.badCredentials]: 4,
  [REASONS.notAuthorized]: 5,
  [REASONS.topicNameInvalid]: 5,
};
/** Server unavailable: all that MQTT 3.1.1 has no word for. */
const UNAVAILABLE = 3;

/** The return code of a CONNACK of MQTT 3.1.1 (§3.2.2.3) for a reason of MQTT 5. */
export function returnCodeOf(reason: Reason): number {
  return RETURN_CODES[reason] ?? UNAVAILABLE;
}

/** What a PUBACK of a receiver says of its delivery. */
export type Verdict = 'accept' | 'release' | 'reject';

/** Reasons with which a receiver says that trying again would not help. */
const FINAL: readonly number[] = [REASONS.notAuthorized, REASONS.topicNameInvalid, REASONS.payloadFormatInvalid];

/**
 * A PUBACK is how a receiver settles: below 0x80 it has the message; with 0x87, 0x90 and 0x99 it will never take it,
 * which makes a dead letter; any other failure is tried again as the queue's schedule says.
 */
export function verdictOf(reason: number | undefined): Verdict {
  if (reason === undefined || reason < REASONS.unspecified) return 'accept';
  return FINAL.includes(reason) ? 'reject' : 'release';
}
