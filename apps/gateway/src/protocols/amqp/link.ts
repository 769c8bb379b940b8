import type { Caller } from '@heddle/auth';
import type { ConnectionHome } from './connection-home.js';
import type { AmqpError, DeliveryState } from './delivery-state.js';
import type { PerformativeWriter, SentAttach, SettledRange } from './performative-writer.js';
import type { Attach, Flow, Transfer } from './performatives.js';

/** One end of a link, the gateway's. */
export interface Link {
  readonly name: string;
  /** Whether messages come to the gateway here. */
  readonly isReceiver: boolean;
  /** What the client says of its credit, or of what it has. */
  flow(flow: Flow): void;
  /** A message, or a part of one. */
  transfer(transfer: Transfer, payload: Buffer): void;
  /** The link is over, whoever has ended it. */
  end(): void;
  /** About every quarter of a second. */
  tick(now: number): void;
}

/** A link on which messages go to the client. */
export interface OutgoingLink extends Link {
  readonly handle: number;
  /** Whether messages are settled as they are sent. */
  readonly isSettled: boolean;
  /** What the client says of a delivery; true when nothing more is to be said of it. */
  settle(deliveryId: number, state: DeliveryState | undefined, settled: boolean): boolean;
}

/** The connection, as its sessions and links see it. */
export interface ClientConnection {
  readonly home: ConnectionHome;
  readonly caller: Caller;
  readonly address: string;
  readonly writer: PerformativeWriter;
  /** Bytes of a frame to the client. */
  readonly maxFrameBytes: number;
  /** Whether the client does not read what waits for it: then nothing more is to be delivered. */
  readonly isFull: boolean;
  /** Links of all sessions. */
  linkCount: number;
  /** Bytes of messages that have come in part, on links of all sessions. */
  partialBytes: number;
  /** Ends the link of this name and direction, in whatever session it is: it is attached again. */
  steal(name: string, isReceiver: boolean): void;
  /** Calls back once, when there is room for more. */
  onceRoom(callback: () => void): void;
  /** Something was written: it goes out at the end of this turn. */
  wrote(): void;
  /** To be done once, when all that has come is read: what frames have in common is done together. */
  afterRead(work: () => void): void;
  /** So many messages or settlements more, and bytes of them, wait to be durable; fewer when negative. */
  unanswered(count: number, bytes?: number): void;
}

/** The session of a link, as the link sees it. */
export interface LinkSession {
  readonly connection: ClientConnection;
  /** Whether what is sent now goes out at once. */
  readonly hasRoom: boolean;
  /** Calls back once, when that may be so again. */
  onceRoom(callback: () => void): void;
  /** Says that a link is open, as it is understood here. */
  attached(fields: SentAttach): void;
  /** Ends a link from here, and says why. */
  detach(handle: number, error?: AmqpError): void;
  /** Says how much credit a link has; of one that has just used up what was left, that it has. */
  flowOf(handle: number, deliveryCount: number, credit: number, drain?: boolean): void;
  /** Sends a message; returns its number, under which the client settles it. */
  send(link: OutgoingLink, prefix: Buffer, bare: Buffer): number;
  /** Says what became of deliveries, with one frame for each range. */
  settled(isReceiver: boolean, ranges: readonly SettledRange[]): void;
}

/** The credit that a flow leaves to a sender that has counted so far: what it has not heard of yet is part of it (part 2, section 2.6.7). */
export function creditOf({ deliveryCount = 0, linkCredit = 0 }: Flow, counted: number): number {
  return Math.max(0, linkCredit - ((counted - deliveryCount) >>> 0));
}

/** How a link on which messages go to the client is answered, by how the client asked for it and what is understood of its source. */
export function outgoingAttach(
  { name, handle, rcvSettleMode, target }: Attach,
  isSettled: boolean,
  source: SentAttach['source'],
): SentAttach {
  return {
    name,
    handle,
    isReceiver: false,
    sndSettleMode: isSettled ? 1 : 0,
    rcvSettleMode: rcvSettleMode === 1 ? 1 : 0,
    source,
    target: { address: typeof target === 'object' ? target.address : undefined },
    maxMessageSize: 0,
  };
}

/** Bytes of a message that the client takes at most. */
export function mostBytesOf({ maxMessageSize }: Attach): number {
  return maxMessageSize === 0 ? Infinity : maxMessageSize;
}

/** What is said to a client that sends messages on a link where they come to it. */
export const WRONG_WAY: AmqpError = {
  condition: 'amqp:not-allowed',
  description: 'Messages go the other way on this link.',
};
