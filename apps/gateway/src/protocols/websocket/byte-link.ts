import { WebSocket } from 'ws';

/** A connection to another instance of the gateway, as bytes. */
export interface ByteLink {
  /** Hears whether what was written has to wait before there is more. */
  write(bytes: Buffer, onRoom?: (isFull: boolean) => void): void;
  listen(onBytes: (bytes: Buffer) => void, onClosed: () => void): void;
  end(): void;
}

const CONNECT_TIMEOUT_MS = 2000;
/** With more bytes than that not taken by the network, whoever writes waits. */
const FULL_BYTES = 256 * 1024;

/** Connects to another instance on behalf of a caller; resolves when it has answered. */
export function openByteLink(url: string, subprotocol: string, hopToken: string): Promise<ByteLink> {
  const client = new WebSocket(url, subprotocol, {
    headers: { 'heddle-hop': hopToken },
    handshakeTimeout: CONNECT_TIMEOUT_MS,
    perMessageDeflate: false,
  });
  return new Promise((resolve, reject) => {
    client.once('error', reject);
    client.once('open', () => {
      client.off('error', reject);
      client.on('error', () => undefined);
      resolve({
        write(bytes, onRoom) {
          client.send(bytes, () => {
            if (client.bufferedAmount < FULL_BYTES) onRoom?.(false);
          });
          if (client.bufferedAmount >= FULL_BYTES) onRoom?.(true);
        },
        listen(onBytes, onClosed) {
          client.on('message', (data: Buffer) => onBytes(data));
          client.once('close', onClosed);
        },
        end: () => client.close(),
      });
    });
  });
}
