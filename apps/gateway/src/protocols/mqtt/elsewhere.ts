import { randomUUID } from 'node:crypto';
import type { Caller } from '@heddle/auth';
import type { Log } from '@heddle/runtime';
import type { Upstream } from '../protocol.js';
import { openByteLink } from '../websocket/byte-link.js';
import { sessionQueue } from './session-name.js';
import { type Wire, pieceOf } from '../wire.js';

/** What tells an instance that a connection was handed on to it, which happens once. */
export const HANDED_ON = 'handed-on';

/** With one slot of 32 here, one of that many ids is here but for once in ten million. */
const MAX_TRIES = 512;

/** How a connection comes to the instance that works on its session. */
export interface ElsewhereParts {
  hop: Pick<Upstream, 'elsewhere' | 'tokenFor'>;
  /** Where MQTT is answered over WebSocket. */
  path: string;
  log: Log;
}

/**
 * Connections of sessions that other instances work on: joined with the owner byte by byte, on behalf of the client, so
 * that it need not know how many instances there are. When either side ends, the other one does, and the client comes
 * again.
 */
export class Elsewhere {
  readonly #joined = new Set<Wire>();

  constructor(private readonly parts: ElsewhereParts) {}

  /** Whether the session of a client is at another instance; then the wire is joined with that one. */
  join(caller: Caller, clientId: string, wire: Wire, begun: readonly Buffer[]): boolean {
    const { hop, path } = this.parts;
    const owner = hop.elsewhere(caller.tenant, sessionQueue(caller.client, clientId));
    if (owner === undefined) return false;
    this.#joined.add(wire);
    const token = hop.tokenFor(caller);
    const url = `${owner.replace(/^http/, 'ws')}${path}?${HANDED_ON}=1`;
    wire.pause();
    // Of what was read with its CONNECT some may still be on its way to here.
    const waiting = [...begun];
    let write = (bytes: Buffer): void => void waiting.push(bytes);
    let isEnded = false;
    let onEnd = (): void => undefined;
    wire.listen(
      (bytes) => write(bytes),
      () => {
        isEnded = true;
        this.#joined.delete(wire);
        onEnd();
      },
    );
    void Promise.resolve(token)
      .then((signed) => openByteLink(url, 'mqtt', signed))
      .then(
        (link) => {
          link.listen(
            (bytes) => wire.write(pieceOf(wire.headroom, [bytes])),
            () => wire.end(),
          );
          onEnd = () => link.end();
          if (isEnded) link.end();
          for (const bytes of waiting) link.write(bytes);
          write = (bytes) => link.write(bytes, (isFull) => (isFull ? wire.pause() : wire.resume()));
          wire.resume();
        },
        (error: unknown) => {
          this.parts.log.warn(
            { event: 'mqtt-hop-failed', owner, err: error },
            'the instance of a session did not answer',
          );
          wire.end();
        },
      );
    return true;
  }

  /** For a client that has none: an id whose session is here, as long as this instance works on any queues. */
  newId({ tenant, client }: Caller): string {
    let id = '';
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      id = `auto-${randomUUID()}`;
      if (this.parts.hop.elsewhere(tenant, sessionQueue(client, id)) === undefined) break;
    }
    return id;
  }

  close(): void {
    for (const wire of this.#joined) wire.end();
  }
}
