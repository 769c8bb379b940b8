import { openDatabase } from '@heddle/outbox';
import { sql } from 'kysely';
import { inject } from 'vitest';
import { answerBatch } from './batch.js';
import { TRIAL_SERVICE, TRIAL_STATEMENTS, type TrialOrder, type TrialWrites, trialOrder } from './model-trial.js';
import type { ODataAnswer } from './odata-request.js';
import { ODataService } from './odata-service.js';
import type { ReadLimits } from './read.js';
import type { Reader } from './rows.js';

declare module 'vitest' {
  interface ProvidedContext {
    stack: { kafkaBrokers: string[]; registryUrl: string; databaseUrl: string };
  }
}

export const ROOT = 'http://gateway.test/sap/opu/odata/sap/API_TRIAL';
const CSRF = 'the token';

export interface TrialAnswer extends ODataAnswer {
  /** Of JSON: what `d` says. */
  d: Record<string, unknown> & { results: Record<string, unknown>[] };
}

/** An item of an order with its lines, as it is put. */
export const trialItem = (Item: string, lines: readonly string[] = []) => ({
  Item,
  Text: `item ${Item}`,
  Amount: '1.50',
  to_Line: lines.map((Line) => ({ Line, Kind: 'L' })),
});

/** The service of `model-trial.ts` on a database of its own. */
export class ODataTrial {
  mayChange = true;

  private constructor(
    readonly db: Reader,
    readonly service: ODataService<TrialWrites>,
    private readonly count: { statements: number },
    readonly close: () => Promise<void>,
  ) {}

  static async open(name: string, limits: Partial<ReadLimits> = {}): Promise<ODataTrial> {
    const database = `odata_${name}_${process.pid}`;
    const opened = await openDatabase<unknown>({ url: inject('stack').databaseUrl, database, pool: 6, migrations: {} });
    const count = { statements: 0 };
    const db = (opened.db as Reader).withPlugin({
      transformQuery: ({ node }) => {
        count.statements += 1;
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    for (const statement of TRIAL_STATEMENTS) await sql.raw(statement).execute(db);
    const service = new ODataService<TrialWrites>({
      model: TRIAL_SERVICE,
      db,
      change: (work) => db.transaction().execute((tx) => work(tx, tx)),
      limits,
    });
    return new ODataTrial(db, service, count, () => opened.close());
  }

  async put(key: string, more: Partial<TrialOrder> = {}, version = 1): Promise<void> {
    const state = JSON.stringify(trialOrder(key, more));
    await sql`insert into trial_order (key, version, state) values (${key}, ${version}, ${state}::jsonb)
      on conflict (key) do update set version = excluded.version, state = excluded.state`.execute(this.db);
  }

  /** How many statements were run since, but for those that begin and end transactions. */
  countStatements(): () => number {
    const from = this.count.statements;
    return () => this.count.statements - from;
  }

  get(url: string, headers: Record<string, string> = {}): Promise<TrialAnswer> {
    return this.ask('GET', url, undefined, headers);
  }

  /** As JSON, with the token, unless the headers say otherwise. */
  async ask(method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<TrialAnswer> {
    const text = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body);
    const request = {
      method,
      url,
      headers: { accept: 'application/json', 'content-type': 'application/json', 'x-csrf-token': CSRF, ...headers },
      body: text === undefined ? undefined : Buffer.from(text),
      root: ROOT,
    };
    const caller = {
      csrfToken: CSRF,
      mustBeAllowedToChange: () => {
        if (!this.mayChange) throw new Error('not allowed');
      },
    };
    const answer =
      method === 'POST' && url.startsWith('/$batch')
        ? await answerBatch(this.service, request, caller)
        : await this.service.answer(request, caller);
    const isJson = answer.headers['content-type']?.includes('json') === true && answer.body !== '';
    return { ...answer, d: (isJson ? ((JSON.parse(answer.body) as { d?: unknown }).d ?? {}) : {}) as TrialAnswer['d'] };
  }
}
