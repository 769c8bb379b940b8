import { HeddleError, LOCAL_TENANT, type StoredEvent, isRawTopic, objectOf, tenantOf, topicOf } from '@heddle/event';

/** For each topic, the next offset of each of its partitions. */
export type PositionVector = Map<string, number[]>;

const VERSION = '1';
const MAX_LENGTH = 8192;
const OBJECT = /^[A-Za-z0-9_-]{1,201}$/;
const OFFSETS = /^[0-9a-z]{1,11}(?:\.[0-9a-z]{1,11})*$/;

/**
 * A resume token is a position in every partition of one tenant's topics, as text that is safe in headers and URLs:
 * `1~sales-order=5.a.0~contract=3`, offsets in base 36, objects instead of topics; `1.acme~contract=3` for a tenant
 * other than the local one. It means the same on every instance of the gateway, and stays valid as long as the log keeps
 * the events.
 */
export function formatToken(tenant: string, vector: PositionVector): string {
  let token = beginningOf(tenant);
  for (const [topic, offsets] of vector) token += `~${topicSegment(topic, offsets)}`;
  return token;
}

/**
 * The position that a token of a tenant stands for; there is no way to name a topic of another one in it.
 *
 * @throws HeddleError `parameter-invalid` for what is no token of ours, or one of another tenant.
 */
export function parseToken(tenant: string, token: string): PositionVector {
  const [beginning, ...segments] = token.split('~');
  if (beginning !== beginningOf(tenant) || token.length > MAX_LENGTH) throw malformed();
  const vector: PositionVector = new Map();
  for (const segment of segments) {
    const at = segment.lastIndexOf('=');
    const object = segment.slice(0, at);
    const offsets = segment.slice(at + 1);
    const topic = topicOf(object, tenant);
    if (at < 1 || !OBJECT.test(object) || !OFFSETS.test(offsets) || vector.has(topic)) throw malformed();
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
  const result = copyOf(one);
  for (const [topic, offsets] of other) {
    const own = result.get(topic) ?? [];
    result.set(
      topic,
      offsets.map((offset, partition) => Math.max(offset, own[partition] ?? 0)).concat(own.slice(offsets.length)),
    );
  }
  return result;
}

/** Moves a position past an event. */
export function movePast(
  position: PositionVector,
  { topic, partition, offset }: Pick<StoredEvent, 'topic' | 'partition' | 'offset'>,
): void {
  let offsets = position.get(topic);
  if (offsets === undefined) position.set(topic, (offsets = []));
  while (offsets.length < partition) offsets.push(0);
  offsets[partition] = offset + 1;
}

/** How far the log has been read, of each tenant for itself: none learns how much another one has. */
export class MovingPosition {
  #topics = new Map<string, { offsets: number[]; tenant: TenantPosition }>();
  #tenants = new Map<string, TenantPosition>();

  next(topic: string, partition: number): number {
    return this.#topics.get(topic)?.offsets[partition] ?? 0;
  }

  partitions(topic: string): number {
    return this.#topics.get(topic)?.offsets.length ?? 0;
  }

  moveTo(topic: string, partition: number, offset: number): void {
    let moving = this.#topics.get(topic);
    if (moving === undefined) {
      const tenant = this.of(tenantOf(topic));
      this.#topics.set(topic, (moving = { offsets: tenant.begin(topic), tenant }));
    }
    const { offsets, tenant } = moving;
    while (offsets.length <= partition) offsets.push(0);
    offsets[partition] = offset;
    tenant.moved(topic);
  }

  /** The part of a tenant; it moves as this does. */
  of(tenant: string): TenantPosition {
    let position = this.#tenants.get(tenant);
    if (position === undefined) this.#tenants.set(tenant, (position = new TenantPosition(tenant)));
    return position;
  }
}

/** A moving vector, and its token; only the segment of the topic that moved is written anew. */
export class TenantPosition {
  #vector: PositionVector = new Map();
  /** In the topic of raw messages; a token says nothing of that, for streams that are resumed have none. */
  #raw: PositionVector = new Map();
  #segments = new Map<string, string>();
  #token: string | undefined;

  constructor(private readonly tenant: string) {}

  /** The offsets of a topic that is new; whoever writes to them says so with `moved`. */
  begin(topic: string): number[] {
    const offsets: number[] = [];
    (isRawTopic(topic) ? this.#raw : this.#vector).set(topic, offsets);
    return offsets;
  }

  moved(topic: string): void {
    if (this.#raw.has(topic)) return;
    this.#segments.delete(topic);
    this.#token = undefined;
  }

  get token(): string {
    if (this.#token !== undefined) return this.#token;
    let token = beginningOf(this.tenant);
    for (const [topic, offsets] of this.#vector) {
      let segment = this.#segments.get(topic);
      if (segment === undefined) this.#segments.set(topic, (segment = topicSegment(topic, offsets)));
      token += `~${segment}`;
    }
    return (this.#token = token);
  }

  /** Whether everything before a position has been read. */
  reaches(position: PositionVector): boolean {
    return reaches(this.#vector, position) && reaches(this.#raw, position);
  }

  copy(): PositionVector {
    return copyOf(this.#vector);
  }

  /** How far raw messages have been read. */
  copyOfRaw(): PositionVector {
    return copyOf(this.#raw);
  }
}

function copyOf(vector: PositionVector): PositionVector {
  return new Map([...vector].map(([topic, offsets]) => [topic, [...offsets]]));
}

function beginningOf(tenant: string): string {
  return tenant === LOCAL_TENANT ? VERSION : `${VERSION}.${tenant}`;
}

function malformed(): HeddleError {
  return new HeddleError(
    'parameter-invalid',
    'The resume token cannot be read: use the one that came with the last event, or leave it out to start now.',
    { field: 'resume' },
  );
}

function topicSegment(topic: string, offsets: readonly number[]): string {
  let text = `${objectOf(topic)}=`;
  for (let index = 0; index < offsets.length; index += 1) {
    text += index === 0 ? (offsets[index] ?? 0).toString(36) : `.${(offsets[index] ?? 0).toString(36)}`;
  }
  return text;
}
