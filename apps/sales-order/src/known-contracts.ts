import { HeddleError } from '@heddle/event';
import { type Transaction, sql } from 'kysely';
import type { SalesOrderTables } from './sales-order.repository.js';

/** A contract as its events have told of it. Drafts are not told of here: nobody orders on one. */
export interface KnownContract {
  partner: string;
  status: 'SIGNED' | 'TERMINATED';
  /** The number of the event that said so; zero for one that its owner has not raised. */
  sequence: number;
}

/** A contract goes one way only: whatever of these was heard last, the higher one holds. */
const RANKS = { SIGNED: 1, TERMINATED: 2 } as const;

/** The contracts that orders may be on, as far as they were heard of. */
export class KnownContracts {
  /** Safe to repeat, and to do in any order: no contract goes back, and of equal states the latest one stays. */
  async know(
    tx: Transaction<SalesOrderTables>,
    key: string,
    { partner, status, sequence }: KnownContract,
  ): Promise<void> {
    await sql`
      insert into known_contract as known (key, partner, rank, sequence)
      values (${key}, ${partner}, ${RANKS[status]}, ${sequence})
      on conflict (key) do update
      set partner = excluded.partner, rank = excluded.rank, sequence = excluded.sequence
      where (known.rank, known.sequence) <= (excluded.rank, excluded.sequence)
    `.execute(tx);
  }

  /**
   * An order of a partner may be on the contract.
   *
   * @throws HeddleError `reference-unknown` for one that was not heard to be signed, `conflict` when it is terminated, or
   *   with somebody else
   */
  async mustAllow(tx: Transaction<SalesOrderTables>, key: string, soldTo: string): Promise<void> {
    const field = 'Contract';
    const known = await tx
      .selectFrom('known_contract')
      .select(['partner', 'rank'])
      .where('key', '=', key)
      .executeTakeFirst();
    if (known === undefined) {
      throw new HeddleError(
        'reference-unknown',
        `Contract ${key} is not known to be signed here yet: if it was just now, try again in a moment.`,
        { field, retryAfterSeconds: 1 },
      );
    }
    if (known.rank === RANKS.TERMINATED) throw new HeddleError('conflict', `Contract ${key} is terminated.`, { field });
    if (known.partner === soldTo) return;
    throw new HeddleError('conflict', `Contract ${key} is not with business partner ${soldTo}.`, { field });
  }
}
