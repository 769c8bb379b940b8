import { type IConnackPacket, type Packet, generate } from 'mqtt-packet';
import { type ClientPacket, type MqttVersion, readPacket } from './client-packets.js';
import { malformed } from './field-reader.js';
import { MqttRefusal, REASONS } from './reason-codes.js';

export type { MqttVersion } from './client-packets.js';

/** Bytes of the fixed header at most: type and flags, and a length of one to four bytes (MQTT 5 §2.1). */
const MAX_HEADER = 5;
const CONNECT = 1;
const LENGTH_CONTINUES = 0x80;

/** How a packet begins: bytes of its fixed header, and of the packet as a whole. */
interface Extent {
  header: number;
  all: number;
}

/**
 * Takes the bytes of a client apart into packets. The length that a packet says it has is held to the limit before
 * anything of it is kept, and nothing is read before it is there as a whole.
 */
export class PacketReader {
  #version: MqttVersion | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** So many are needed before anything more can be read. */
  #needed = 1;

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
  *read(chunk: Buffer): Generator<ClientPacket> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) return;
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    let at = 0;
    this.#needed = 1;
    while (at < bytes.length) {
      // Whatever else speaks here is not waited for.
      if (this.#version === undefined && bytes[at]! >> 4 !== CONNECT) throw notConnect();
      const extent = this.#extentOf(bytes, at);
      if (extent === undefined || at + extent.all > bytes.length) {
        this.#needed = extent?.all ?? bytes.length - at + 1;
        break;
      }
      const packet = this.#packet(bytes.subarray(at, at + extent.all), extent.header);
      at += extent.all;
      yield packet;
    }
    this.#chunks = at < bytes.length ? [bytes.subarray(at)] : [];
    this.#bytes = bytes.length - at;
  }

  /** Of the packet that begins here; nothing while its header is not there. */
  #extentOf(bytes: Buffer, start: number): Extent | undefined {
    let length = 0;
    for (let at = 1; at < MAX_HEADER; at += 1) {
      const byte = bytes[start + at];
      if (byte === undefined) return undefined;
      length += (byte & 0x7f) * 0x80 ** (at - 1);
      if ((byte & LENGTH_CONTINUES) !== 0) continue;
      // MQTT-1.5.5-1; in MQTT 3.1.1 no rule says that a length is as short as it can be.
      if (byte === 0 && at > 1 && this.#version === 5) throw malformed('its length has more bytes than it needs');
      const all = length + at + 1;
      if (all <= this.maxBytes) return { header: at + 1, all };
      throw new MqttRefusal(
        REASONS.packetTooLarge,
        `The packet has ${all} bytes; at most ${this.maxBytes} are allowed.`,
      );
    }
    throw malformed('its length has more than four bytes');
  }

  #packet(bytes: Buffer, header: number): ClientPacket {
    const body = bytes.subarray(header);
    // The first packet is CONNECT, and says how all others are to be read.
    this.#version ??= versionOf(body);
    return readPacket(bytes[0]!, body, this.#version);
  }
}

/** A packet as bytes. */
export function packetBytes(packet: Packet, version: MqttVersion): Buffer {
  return generate(packet, { protocolVersion: version });
}

/** A packet as a client takes it, without words when they are too many (MQTT-3.1.2-24); nothing where it takes none. */
export function fittingBytes(packet: Packet, version: MqttVersion, mostBytes: number): Buffer | undefined {
  const bytes = packetBytes(packet, version);
  if (bytes.length <= mostBytes) return bytes;
  const { reasonString: _words, ...properties } = (packet as IConnackPacket).properties ?? {};
  const fewer = packetBytes({ ...packet, properties } as Packet, version);
  return fewer.length <= mostBytes ? fewer : undefined;
}

function notConnect(): MqttRefusal {
  return new MqttRefusal(REASONS.protocolError, 'The first packet is CONNECT.');
}

/** @throws MqttRefusal for any other protocol or version */
function versionOf(connect: Buffer): MqttVersion {
  const version = connect[6];
  // MQTT 3.1 has another name, and no rules for what is refused.
  if (connect.toString('latin1', 0, 6) === '\0\u0004MQTT' && (version === 4 || version === 5)) return version;
  throw new MqttRefusal(REASONS.unsupportedVersion, 'MQTT 3.1.1 and 5 are spoken here.');
}
