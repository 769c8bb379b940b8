import { randomInt } from 'node:crypto';
import { SHARD_COUNT } from './outbox-tables.js';
import type { PreparingClient } from './preparing-client.js';

/** The first half of every relay's advisory lock; the second is its session. */
const LOCK_CLASS = 0x0b0c;
const MAX_SESSION = 2 ** 31 - 1;

/**
 * The shards that one relay may work on. A relay is alive while it renews its lease and while its session holds its
 * advisory lock: the first ends the claims of one that was stopped, the second at once those of one that died.
 * Leases are not what keeps order: each relay appends a key's unsent rows from the oldest on, so first occurrences are
 * in order even where two overlap. They keep repeats rare.
 */
export class ShardClaims {
  readonly #session = randomInt(1, MAX_SESSION);
  #owned = new Set<number>();
  #leaving = new Set<number>();
  #heldUntil = 0;
  #renewAt = 0;

  constructor(
    private readonly client: PreparingClient,
    private readonly leaseMs: number,
  ) {}

  get session(): number {
    return this.#session;
  }

  /** Another relay works on some of the shards, or nobody yet. */
  get isShared(): boolean {
    return this.#owned.size < SHARD_COUNT;
  }

  async begin(): Promise<void> {
    await this.client.query('select pg_advisory_lock($1::int, $2::int)', [LOCK_CLASS, this.#session]);
  }

  /**
   * The shards to read now. None once the lease may have ended: this process's own monotonic clock decides, counted
   * from before the renewal was sent, and a fifth of the lease early.
   */
  readable(now: number): number[] {
    if (now >= this.#heldUntil) return [];
    return [...this.#owned].filter((shard) => !this.#leaving.has(shard));
  }

  /** Milliseconds until the lease wants to be renewed. */
  dueIn(now: number): number {
    return Math.max(0, this.#renewAt - now);
  }

  /** Relays have come or gone: look again at once. */
  expire(): void {
    this.#renewAt = 0;
  }

  isOwned(shard: number): boolean {
    return this.#owned.has(shard);
  }

  /** Renews the lease and takes or gives shards so that each relay alive has its share. */
  async renew(now: number, isBusy: (shard: number) => boolean): Promise<void> {
    const { relays, mine, free } = await this.#look();
    this.#heldUntil = now + this.leaseMs * 0.8;
    // What is out of balance is looked at again soon: a shard to be given up waits for the answers to its appends.
    const share = Math.ceil(SHARD_COUNT / relays);
    const balanced = mine.length <= share && (free === 0 || mine.length === share);
    this.#renewAt = now + (balanced ? this.leaseMs / 10 : Math.min(20, this.leaseMs / 10));
    this.#owned = new Set(mine);
    this.#leaving = new Set(mine.slice(share));
    const left = [...this.#leaving].filter((shard) => !isBusy(shard));
    if (left.length > 0) await this.#release(left);
    if (free > 0 && mine.length < share) await this.#claim(share - mine.length);
  }

  /** Gives everything up, and tells the others. */
  async end(): Promise<void> {
    this.#heldUntil = 0;
    await this.client.query('update outbox_shard set owner = null where owner = $1', [this.#session]);
    await this.client.query('delete from outbox_relay where session = $1', [this.#session]);
  }

  async #look(): Promise<{ relays: number; mine: number[]; free: number }> {
    const { rows } = await this.client.query<{ relays: number; mine: number[]; free: number }>(
      `with me as (
         insert into outbox_relay (session, lease_until) values ($1, clock_timestamp() + $2 * interval '1 ms')
         on conflict (session) do update set lease_until = excluded.lease_until
       ), ${ALIVE}
       select (select count(*) from alive) + 1 as relays,
         array(select shard from outbox_shard where owner = $1 order by shard)::int[] as mine,
         (select count(*) from outbox_shard where ${FREE}) as free`,
      [this.#session, this.leaseMs, LOCK_CLASS],
    );
    return rows[0] ?? { relays: 1, mine: [], free: 0 };
  }

  async #claim(count: number): Promise<void> {
    const { rows } = await this.client.query<{ shard: number }>(
      `with gone as (
         delete from outbox_relay where lease_until < clock_timestamp() - interval '1 hour'
       ), ${ALIVE}
       update outbox_shard set owner = $1 where shard in (
         select shard from outbox_shard where ${FREE} order by shard limit $2 for update skip locked
       ) returning shard`,
      [this.#session, count, LOCK_CLASS],
    );
    for (const { shard } of rows) this.#owned.add(shard);
  }

  async #release(shards: number[]): Promise<void> {
    await this.client.query(
      `with released as (
         update outbox_shard set owner = null where owner = $1 and shard = any($2::smallint[])
       ) select pg_notify('${RELAYS_CHANNEL}', $1::text)`,
      [this.#session, shards],
    );
    for (const shard of shards) {
      this.#owned.delete(shard);
      this.#leaving.delete(shard);
    }
  }
}

/** Relays have come or gone, or have given up shards; the payload is the session that says so. */
export const RELAYS_CHANNEL = 'heddle_relays';

/** The other relays that renew their lease and whose session lives. $1 is the own session, $3 the lock class. */
const ALIVE = `alive as (
  select session from outbox_relay
  where session <> $1 and lease_until > clock_timestamp() and session in (
    select objid::bigint from pg_locks
    where locktype = 'advisory' and classid = $3::int::oid and objsubid = 2 and granted
      and database = (select oid from pg_database where datname = current_database())
  )
)`;

const FREE = '(owner is null or (owner <> $1 and owner not in (select session from alive)))';
