import { HeddleError } from '@heddle/event';
import { Client, DatabaseError, Pool, type PoolClient, TypeOverrides } from 'pg';
import type { ClientConfig, PoolConfig, QueryResult, QueryResultRow } from 'pg';

const INT8 = 20;
/** Distinct texts that are prepared in one process; the sizes of multi-row statements must not fill the server. */
const MAX_PREPARED = 500;

/** 64-bit integers as numbers: ids, versions and sequences stay far below 2^53. */
const types = new TypeOverrides();
types.setTypeParser(INT8, Number);

const names = new Map<string, string>();

/** What begins so is another text nearly every time. */
const ONCE = '/* once */';

function nameOf(text: string): string | undefined {
  if (text.startsWith(ONCE)) return undefined;
  const known = names.get(text);
  if (known !== undefined) return known;
  if (names.size >= MAX_PREPARED) return undefined;
  const name = `q${names.size + 1}`;
  names.set(text, name);
  return name;
}

/**
 * A connection that prepares each statement with parameters once and then runs it by name, and that sends statements
 * without waiting for the answers to earlier ones. What the server did not say itself is `store-unavailable`.
 */
export class PreparingClient extends Client {
  constructor(config?: string | ClientConfig) {
    super({
      ...(typeof config === 'string' ? { connectionString: config } : config),
      types,
      pipeline: true,
    } as ClientConfig);
    // A lost connection is also told of by an event, which without a listener would end the process. Who waits for a
    // statement is told there; a pool discards the connection.
    this.on('error', () => {});
  }

  // @ts-expect-error -- of the overloads of `query`, only text with values (or without) is used here
  override async query<R extends QueryResultRow>(text: string, values?: unknown[]): Promise<QueryResult<R>> {
    const name = values === undefined || values.length === 0 ? undefined : nameOf(text);
    try {
      return await super.query<R>({
        text,
        ...(values === undefined ? {} : { values }),
        ...(name === undefined ? {} : { name }),
      });
    } catch (error) {
      throw storeError(error);
    }
  }
}

/** A pool of {@link PreparingClient}s. */
export class PreparingPool extends Pool {
  constructor(config: PoolConfig) {
    // oxlint-disable-next-line typescript/no-explicit-any -- the class of clients is an option the types do not know
    super({ ...config, Client: PreparingClient } as any);
  }

  override async connect(): Promise<PoolClient> {
    try {
      return await super.connect();
    } catch (error) {
      throw storeError(error);
    }
  }
}

/** SQLSTATE classes: connection lost, rolled back by conflict, out of resources, operator intervention, system error. */
const RETRYABLE_CLASSES = new Set(['08', '40', '53', '57', '58']);

/** An error of the driver as ours; what the server says about a statement of ours stays what it is. */
function storeError(error: unknown): unknown {
  if (error instanceof HeddleError || error instanceof TypeError || error instanceof RangeError) return error;
  if (error instanceof DatabaseError && !RETRYABLE_CLASSES.has(error.code?.slice(0, 2) ?? '')) return error;
  return new HeddleError('store-unavailable', 'The database did not answer; try again.', {
    retryAfterSeconds: 1,
    cause: error,
  });
}
