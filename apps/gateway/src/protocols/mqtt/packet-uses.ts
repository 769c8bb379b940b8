import { uuidv7 } from '@heddle/event';

/** Packet ids from one to another, and how often each of them was released. */
export type Run = readonly [from: number, to: number, count: number];

const MAX_ID = 65_535;
/** Most clients count upwards, or take the lowest that is free: a few runs. */
const MAX_RUNS = 200;

/**
 * Tells one use of a packet id of QoS 2 from the next: by how often the id was released before. A message that comes again,
 * after whatever crash, has the same name as when it came first; the next one under its id has another.
 */
export class PacketUses {
  #runs: Run[];

  /** @param base a name that no other session has, nor another one of the same client id */
  constructor(
    readonly base: string = uuidv7(),
    runs: readonly Run[] = [],
  ) {
    this.#runs = [...runs];
  }

  /** As it is to be kept. */
  get runs(): readonly Run[] {
    return this.#runs;
  }

  /** The name of the message that comes under an id now. */
  nameOf(packetId: number): string {
    return `${this.base}-${packetId}-${this.#countOf(packetId)}`;
  }

  /** What comes under an id from now on is another message. @param open ids of messages that are not released */
  release(packetId: number, open: Iterable<number>): void {
    this.#put(packetId, this.#countOf(packetId) + 1);
    if (this.#runs.length <= MAX_RUNS) return;
    // One count for all that was never used under it; what is under way keeps its name.
    const kept = [...open].map((id) => [id, this.#countOf(id)] as const);
    this.#runs = [[1, MAX_ID, Math.max(...this.#runs.map(([, , count]) => count)) + 1]];
    for (const [id, count] of kept) this.#put(id, count);
  }

  #countOf(packetId: number): number {
    return this.#runs.find(([from, to]) => from <= packetId && packetId <= to)?.[2] ?? 0;
  }

  #put(packetId: number, count: number): void {
    const parts: Run[] = [[packetId, packetId, count]];
    for (const [from, to, before] of this.#runs) {
      if (from < packetId) parts.push([from, Math.min(to, packetId - 1), before]);
      if (to > packetId) parts.push([Math.max(from, packetId + 1), to, before]);
    }
    const runs: Run[] = [];
    for (const run of parts.toSorted(([one], [other]) => one - other)) {
      const last = runs.at(-1);
      if (last !== undefined && last[1] + 1 === run[0] && last[2] === run[2])
        runs.splice(-1, 1, [last[0], run[1], run[2]]);
      else runs.push(run);
    }
    this.#runs = runs;
  }
}
