import { CompiledQuery } from 'kysely';

/** The rows of an answer, as drivers give them: among other things, or by themselves. */
export type SqlAnswer = readonly unknown[] | { readonly rows: readonly unknown[] };

/**
 * A transaction of PostgreSQL of somebody else's: runs one statement in it, with values for its `$1`, `$2`, … and rejects
 * when the statement fails. Values are texts and arrays of texts, which every driver can bind. A client of `pg` is one
 * as it stands, and so is TypeORM's `EntityManager`.
 */
export interface SqlTransaction {
  query(sql: string, values: unknown[]): Promise<SqlAnswer>;
}

/** What of Kysely's transactions is needed, whatever their tables. */
export interface KyselyTransaction {
  executeQuery(query: CompiledQuery): Promise<{ rows: unknown[] }>;
}

/** A transaction that statements can be run in: Kysely's, or anything that has a {@link SqlTransaction}. */
export type AnyTransaction = SqlTransaction | KyselyTransaction;

/** Runs one statement in a transaction, and gives its rows. */
export async function runIn(tx: AnyTransaction, sql: string, values: unknown[]): Promise<readonly unknown[]> {
  const answer = 'query' in tx ? await tx.query(sql, values) : await tx.executeQuery(CompiledQuery.raw(sql, values));
  return 'rows' in answer ? answer.rows : answer;
}
