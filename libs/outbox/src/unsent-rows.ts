import type { EventAttributes } from '@heddle/event';
import type { PreparingClient } from './preparing-client.js';

export interface UnsentRow {
  shard: number;
  id: number;
  topic: string;
  key: string;
  sequence: number;
  attributes: EventAttributes;
  value: Buffer;
}

/** A row that the log has. */
export interface Mark {
  shard: number;
  id: number;
}

/** Bytes of one read that are aimed at; large events are read in smaller numbers. */
const AIM_BYTES = 4 * 1024 * 1024;
const FIRST_ROWS_PER_SHARD = 4;

/** Reads what is unsent and deletes what is sent, in one statement where both are due. */
export class UnsentRows {
  #rowsPerShard = FIRST_ROWS_PER_SHARD;
  #mayHaveMore = false;

  constructor(
    private readonly client: PreparingClient,
    private readonly maxRows: number,
  ) {}

  /** The last read came to its limit in some shard. */
  get mayHaveMore(): boolean {
    return this.#mayHaveMore;
  }

  /**
   * The oldest unsent rows of each shard in order of id, without those marked here and those of the keys held. Each
   * shard has its own limit, so that a long backlog costs no sort.
   */
  async read(shards: readonly number[], heldKeys: readonly string[], marks: readonly Mark[]): Promise<UnsentRow[]> {
    const limit = Math.max(1, Math.min(this.#rowsPerShard, Math.ceil(this.maxRows / shards.length)));
    const deleted = marks.length === 0 ? '' : `with marked as (${DELETE})`;
    const { rows } = await this.client.query<UnsentRow>(
      `${deleted}
       select unsent.* from unnest($3::smallint[]) as owned (shard) cross join lateral (
         select shard, id, topic, key, sequence, attributes, value from outbox
         where shard = owned.shard
           and id not in (select unnest($2::bigint[]))
           and key not in (select unnest($4::text[]))
           and $1::smallint[] is not null
         order by id limit $5
       ) as unsent`,
      [marks.map(({ shard }) => shard), marks.map(({ id }) => id), shards, heldKeys, limit],
    );
    this.#learn(rows, limit);
    return rows;
  }

  async mark(marks: readonly Mark[]): Promise<void> {
    await this.client.query(DELETE, [marks.map(({ shard }) => shard), marks.map(({ id }) => id)]);
  }

  #learn(rows: readonly UnsentRow[], limit: number): void {
    let bytes = 0;
    let inShard = 0;
    let shard = -1;
    this.#mayHaveMore = false;
    for (const row of rows) {
      bytes += row.value.length;
      inShard = row.shard === shard ? inShard + 1 : 1;
      shard = row.shard;
      if (inShard >= limit) this.#mayHaveMore = true;
    }
    if (bytes > AIM_BYTES) this.#rowsPerShard = Math.max(1, Math.floor((limit * AIM_BYTES) / bytes));
    else if (this.#mayHaveMore && bytes * 2 < AIM_BYTES) this.#rowsPerShard = Math.min(this.maxRows, limit * 2);
  }
}

const DELETE = `delete from outbox using unnest($1::smallint[], $2::bigint[]) as sent (shard, id)
  where outbox.shard = sent.shard and outbox.id = sent.id`;
