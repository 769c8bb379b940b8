import type { FetchAnswer, FetchPartition } from './fetch-protocol.js';
import { type Cluster, sendFetch } from './kafkajs-cluster.js';

/** How long the broker waits for records when there are none. */
const MAX_WAIT_MS = 250;
/** Time beyond that until an answer counts as lost. */
const ANSWER_GRACE_MS = 10_000;
/** The broker has forgotten the session, or counts otherwise than we do: it is begun anew. */
const SESSION_ERRORS = new Set([70, 71]);

/**
 * A fetch session with one broker (KIP-227). The broker keeps the list of partitions with their offsets; a request
 * names only those that changed, an answer only those with something to say. Reading dozens of quiet partitions beside
 * a busy one thereby costs no more than reading the busy one.
 */
export class FetchSession {
  #id = 0;
  #epoch = 0;
  /** What the broker knows: the offset of each partition, by name. */
  #known = new Map<string, FetchPartition>();

  constructor(
    private readonly cluster: Cluster,
    private readonly nodeId: string,
  ) {}

  /** One fetch of exactly these partitions. */
  async fetch(wanted: ReadonlyMap<string, FetchPartition>): Promise<FetchAnswer> {
    const isNew = this.#epoch === 0;
    const changed = [...wanted].filter(([name, { offset }]) => this.#known.get(name)?.offset !== offset);
    const forgotten = [...this.#known].filter(([name]) => !wanted.has(name));
    const request = {
      sessionId: this.#id,
      epoch: this.#epoch,
      changed: changed.map(([, partition]) => partition),
      forgotten: isNew ? [] : forgotten.map(([, partition]) => partition),
      maxWaitMs: MAX_WAIT_MS,
    };
    const answer = await sendFetch(this.cluster, this.nodeId, request, MAX_WAIT_MS + ANSWER_GRACE_MS);
    if (SESSION_ERRORS.has(answer.errorCode)) {
      this.#begin();
      return { ...answer, errorCode: 0, partitions: [] };
    }
    if (answer.errorCode !== 0) return answer;
    this.#id = answer.sessionId;
    // A broker without room for another session answers with none: then every request names all partitions.
    this.#epoch = answer.sessionId === 0 ? 0 : this.#epoch === 0x7fffffff ? 1 : this.#epoch + 1;
    if (this.#epoch === 0) this.#known.clear();
    else {
      for (const [name, partition] of changed) this.#known.set(name, { ...partition });
      for (const [name] of forgotten) this.#known.delete(name);
    }
    return answer;
  }

  #begin(): void {
    this.#id = 0;
    this.#epoch = 0;
    this.#known.clear();
  }
}
