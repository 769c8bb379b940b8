import { type Transaction, sql } from 'kysely';
import type { BusinessPartnerTables } from './business-partner.repository.js';

/** A contract as its events have told of it. */
export interface HeardContract {
  partner: string;
  status: 'SIGNED' | 'TERMINATED';
  /** The number of the event that said so; zero for one that its owner has not raised. */
  sequence: number;
}

/** A contract goes one way only: whatever of these was heard last, the higher one holds. */
const RANKS = { SIGNED: 1, TERMINATED: 2 } as const;

/** Which contracts partners have, as far as they were heard of. */
export class PartnerContracts {
  /** Safe to repeat, and to do in any order: no contract goes back, and of equal states the latest one stays. */
  async hear(
    tx: Transaction<BusinessPartnerTables>,
    contract: string,
    { partner, status, sequence }: HeardContract,
  ): Promise<void> {
    await sql`
      insert into partner_contract as heard (contract, partner, rank, sequence)
      values (${contract}, ${partner}, ${RANKS[status]}, ${sequence})
      on conflict (contract) do update
      set partner = excluded.partner, rank = excluded.rank, sequence = excluded.sequence
      where (heard.rank, heard.sequence) <= (excluded.rank, excluded.sequence)
    `.execute(tx);
  }

  /** How many contracts with a partner are signed and not terminated. */
  async countActive(tx: Transaction<BusinessPartnerTables>, partner: string): Promise<number> {
    const { count } = await tx
      .selectFrom('partner_contract')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('partner', '=', partner)
      .where('rank', '=', RANKS.SIGNED)
      .executeTakeFirstOrThrow();
    return count;
  }
}
