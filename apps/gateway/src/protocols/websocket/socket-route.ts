import type { Socket } from 'node:net';
import type { Caller } from '@heddle/auth';
import type { WebSocket } from 'ws';
import type { Session } from '../sessions.js';

/** What is answered to an upgrade at one path. */
export interface SocketRoute {
  path: RegExp;
  subprotocol: string;
  /** Bytes of one message of a client; a longer one ends the connection with 1009. */
  maxMessageBytes: number;
  /**
   * Decides before the handshake whether the caller may come in, so that a refusal is an ordinary problem; what it
   * returns takes the open connection.
   *
   * @param path the match of `path`
   * @throws HeddleError what the upgrade is refused with
   */
  admit(caller: Caller, url: URL, path: RegExpExecArray): Begin;
}

/** Takes a connection that was let in. */
export type Begin = (client: WebSocket, socket: Socket, session: Session) => void;
