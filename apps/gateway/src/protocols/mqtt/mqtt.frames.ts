import { HeddleError } from '@heddle/event';
import { type Packet, generate, parser } from 'mqtt-packet';
import { MqttRefusal, REASONS } from './reason-codes.js';

/** The versions that are spoken here: 3.1.1 and 5. */
export type MqttVersion = 4 | 5;

/** Bytes of the fixed header at most: type and flags, and a length of one to four bytes (MQTT 5 §2.1). */
const MAX_HEADER = 5;
const CONNECT = 1;
const LENGTH_CONTINUES = 0x80;

/**
 * Takes the bytes of a client apart into packets. The length that a packet says it has is held to the limit before
 * anything of it is kept, and nothing is parsed before it is there as a whole.
 */
export class PacketReader {
  #parser = packetParser(4);
  #version: MqttVersion | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** So many are needed before anything more can be read. */
  #needed = 1;
  #failed: Error | undefined;

  constructor(private readonly maxBytes: number) {}

  /** Of the client, once its CONNECT has said it. */
  get version(): MqttVersion | undefined {
    return this.#version;
  }

  /** Bytes of a packet that is not there as a whole. */
  get waiting(): number {
    return this.#bytes;
  }

  /**
   * The packets that are there as a whole with these bytes, in their order.
   *
   * @throws MqttRefusal, HeddleError `frame-invalid`: then nothing more can be read
   */
  *read(chunk: Buffer): Generator<Packet> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) return;
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    let at = 0;
    this.#needed = 1;
    while (at < bytes.length) {
      // Whatever else speaks here is not waited for.
      if (this.#version === undefined && bytes[at]! >> 4 !== CONNECT) throw notConnect();
      const length = this.#lengthOf(bytes, at);
      if (length === undefined || at + length > bytes.length) {
        this.#needed = length ?? bytes.length - at + 1;
        break;
      }
      const packet = this.#parse(bytes.subarray(at, at + length));
      at += length;
      yield packet;
    }
    this.#chunks = at < bytes.length ? [bytes.subarray(at)] : [];
    this.#bytes = bytes.length - at;
  }

  /** Of the packet that begins here, header and all; nothing while the header is not there. */
  #lengthOf(bytes: Buffer, start: number): number | undefined {
    let length = 0;
    for (let at = 1; at < MAX_HEADER; at += 1) {
      const byte = bytes[start + at];
      if (byte === undefined) return undefined;
      length += (byte & 0x7f) * 0x80 ** (at - 1);
      if ((byte & LENGTH_CONTINUES) !== 0) continue;
      const all = length + at + 1;
      if (all <= this.maxBytes) return all;
      throw new MqttRefusal(
        REASONS.packetTooLarge,
        `The packet has ${all} bytes; at most ${this.maxBytes} are allowed.`,
      );
    }
    throw malformed('the length of a packet has more than four bytes');
  }

  #parse(bytes: Buffer): Packet {
    if (this.#version === undefined) this.#begin(bytes);
    let parsed: Packet | undefined;
    this.#parser.removeAllListeners('packet');
    this.#parser.on('packet', (packet) => (parsed ??= packet));
    try {
      this.#parser.parse(bytes);
    } catch (error) {
      throw malformed((error as Error).message);
    }
    if (this.#failed !== undefined) throw malformed(this.#failed.message);
    if (parsed === undefined) throw malformed('a packet is shorter than what it says');
    return parsed;
  }

  /** The first packet is CONNECT, and says how all others are to be read. */
  #begin(bytes: Buffer): void {
    this.#version = versionOf(bytes);
    this.#parser = packetParser(this.#version);
    this.#parser.on('error', (error) => (this.#failed = error));
  }
}

/** A packet as bytes. */
export function packetBytes(packet: Packet, version: MqttVersion): Buffer {
  return generate(packet, { protocolVersion: version });
}

function notConnect(): MqttRefusal {
  return new MqttRefusal(REASONS.protocolError, 'The first packet is CONNECT.');
}

/** A packet that breaks the rules of its form. */
function malformed(why: string): HeddleError {
  return new HeddleError('frame-invalid', `The packet cannot be read: ${why}.`);
}

function packetParser(version: MqttVersion): ReturnType<typeof parser> {
  return parser({ protocolVersion: version });
}

/** @throws MqttRefusal for any other protocol or version */
function versionOf(connect: Buffer): MqttVersion {
  let at = 1;
  while ((connect[at]! & LENGTH_CONTINUES) !== 0) at += 1;
  const name = at + 3;
  const version = connect[name + 4];
  // MQTT 3.1 has another name, and no rules for what is refused.
  if (connect.toString('latin1', at + 1, name + 4) === '\0\u0004MQTT' && (version === 4 || version === 5)) {
    return version;
  }
  throw new MqttRefusal(REASONS.unsupportedVersion, 'MQTT 3.1.1 and 5 are spoken here.');
}
