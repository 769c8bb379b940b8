import { HeddleError } from '@heddle/event';

/** For each topic, the next offset of each of its partitions. */
export type PositionVector = Map<string, number[]>;

const VERSION = '1';
const MAX_LENGTH = 8192;
const TOPIC = /^[A-Za-z0-9._-]{1,249}$/;
const OFFSETS = /^[0-9a-z]{1,11}(?:\.[0-9a-z]{1,11})*$/;

/**
 * A resume token is a position in every partition, as text that is safe in headers and URLs:
 * `1~sales-order=5.a.0~contract=3`, offsets in base 36. It means the same on every instance of the gateway, and stays
 * valid as long as the log keeps the events.
 */
export function formatToken(vector: PositionVector): string {
  let token = VERSION;
  for (const [topic, offsets] of vector) token += `~${topicSegment(topic, offsets)}`;
  return token;
}

/** @throws HeddleError `parameter-invalid` for what is no token of ours. */
export function parseToken(token: string): PositionVector {
  const [version, ...segments] = token.split('~');
  if (version !== VERSION || token.length > MAX_LENGTH) throw malformed();
  const vector: PositionVector = new Map();
  for (const segment of segments) {
    const at = segment.lastIndexOf('=');
    const topic = segment.slice(0, at);
    const offsets = segment.slice(at + 1);
    if (at < 1 || !TOPIC.test(topic) || !OFFSETS.test(offsets) || vector.has(topic)) throw malformed();
    const numbers = offsets.split('.').map((text) => Number.parseInt(text, 36));
    if (!numbers.every(Number.isSafeInteger)) throw malformed();
    vector.set(topic, numbers);
  }
  return vector;
}

/** Whether the first position is at or after the second, in every partition that the first knows. */
export function reaches(position: PositionVector, other: PositionVector): boolean {
  for (const [topic, offsets] of position) {
    const wanted = other.get(topic);
    if (wanted?.some((offset, partition) => offset > (offsets[partition] ?? Infinity))) return false;
  }
  return true;
}

/** The later of two positions, for each partition. */
export function furthest(one: PositionVector, other: PositionVector): PositionVector {
  const result: PositionVector = new Map([...one].map(([topic, offsets]) => [topic, [...offsets]]));
  for (const [topic, offsets] of other) {
    const own = result.get(topic) ?? [];
    result.set(
      topic,
      offsets.map((offset, partition) => Math.max(offset, own[partition] ?? 0)).concat(own.slice(offsets.length)),
    );
  }
  return result;
}

function malformed(): HeddleError {
  return new HeddleError(
    'parameter-invalid',
    'The resume token cannot be read: use the one that came with the last event, or leave it out to start now.',
    { field: 'resume' },
  );
}

function topicSegment(topic: string, offsets: readonly number[]): string {
  let text = `${topic}=`;
  for (let index = 0; index < offsets.length; index += 1) {
    text += index === 0 ? (offsets[index] ?? 0).toString(36) : `.${(offsets[index] ?? 0).toString(36)}`;
  }
  return text;
}

/** A vector that moves with the log, and its token; only the segment of the topic that moved is written anew. */
export class MovingPosition {
  #vector: PositionVector = new Map();
  #segments = new Map<string, string>();
  #token: string | undefined;

  next(topic: string, partition: number): number {
    return this.#vector.get(topic)?.[partition] ?? 0;
  }

  partitions(topic: string): number {
    return this.#vector.get(topic)?.length ?? 0;
  }

  moveTo(topic: string, partition: number, offset: number): void {
    let offsets = this.#vector.get(topic);
    if (offsets === undefined) this.#vector.set(topic, (offsets = []));
    while (offsets.length <= partition) offsets.push(0);
    offsets[partition] = offset;
    this.#segments.delete(topic);
    this.#token = undefined;
  }

  get token(): string {
    if (this.#token !== undefined) return this.#token;
    let token = VERSION;
    for (const [topic, offsets] of this.#vector) {
      let segment = this.#segments.get(topic);
      if (segment === undefined) this.#segments.set(topic, (segment = topicSegment(topic, offsets)));
      token += `~${segment}`;
    }
    return (this.#token = token);
  }

  /** Whether everything before a position has been read. */
  reaches(position: PositionVector): boolean {
    return reaches(this.#vector, position);
  }

  copy(): PositionVector {
    return new Map([...this.#vector].map(([topic, offsets]) => [topic, [...offsets]]));
  }
}
