import type { IncomingMessage } from 'node:http';
import type { Caller, Guard } from '@heddle/auth';

/** What the doors of the gateway ask of who comes in: by a request, by an upgrade, and for as long as it stays. */
export interface DoorGuard extends Guard {
  /**
   * Who asks for an upgrade: by its bearer token, by a ticket, or handed on by another instance. Pages of unknown
   * origins are refused.
   *
   * @throws HeddleError `token-missing`, `token-invalid`, `origin-refused`
   */
  identifyUpgrade(request: IncomingMessage): Caller | Promise<Caller>;
  /**
   * Who a token speaks for that came some other way than in a header, as in a frame.
   *
   * @throws HeddleError `token-invalid`
   */
  identifyToken(token: string): Caller | Promise<Caller>;
  /**
   * Who a client is that brings its id and secret itself, where a protocol asks for a user and a password. It may stay as
   * long as with a token issued now.
   *
   * @throws HeddleError `token-invalid`
   */
  identifyCredentials(clientId: string, secret: string): Promise<Caller>;
  /** Whether the client of somebody who was let in still has the rights that it came in with. */
  isCurrent(caller: Caller): boolean;
  /** Hears of clients whose rights were changed or taken; connections whose caller is not current then are to end. */
  onRevoked(listener: (revoked: RevokedClient) => void): () => void;
  /** What another instance knows a caller by: the value of the header `heddle-hop`. Nobody is this instance itself. */
  hopToken(caller?: Caller): string | Promise<string>;
}

export interface RevokedClient {
  tenant: string;
  client: string;
}
