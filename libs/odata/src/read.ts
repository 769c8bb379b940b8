import { HeddleError } from '@heddle/event';
import { sql } from 'kysely';
import { type Sql, orderedOf } from './columns.js';
import type { Compiled } from './compiled.js';
import { FilterSql } from './filter-sql.js';
import type { EntityModel, Row, ServiceModel } from './model.js';
import type { Expanded, Projection } from './projection.js';
import { nextQuery, type QueryOptions } from './query-options.js';
import { refusal, tooComplex } from './refusal.js';
import { fixedOf } from './navigation-join.js';
import type { Step } from './resource.js';
import { ALIAS, type Order, type Reader, countOf, keyOrder, keysAre, rowsBehind, rowsOf } from './rows.js';
import { behindToken, printSkipToken } from './skip-token.js';

/** An entity with those that come along with it. */
export interface Found<S> {
  row: Row;
  projection: Projection<S>;
  /** By the name of the way: the one, or none, or the many. */
  along: ReadonlyMap<string, Found<S> | null | readonly Found<S>[]>;
}

/** A part of a set. */
export interface FoundSet<S> {
  entities: readonly Found<S>[];
  /** Of all that fit, where it was asked for. */
  count?: string;
  /** The query of the next part. */
  next?: string;
}

/** How much an answer may hold. */
export interface ReadLimits {
  /** Entities of a part of a set. */
  page: number;
  /** Of one whose entities bring others along. */
  expandedPage: number;
  /** Entities that come along, in one answer. */
  along: number;
}

export const READ_LIMITS: ReadLimits = { page: 1000, expandedPage: 100, along: 10_000 };

/** Reads what a path and its options ask for, in one transaction and in one statement for each way that is expanded. */
export class Read<S> {
  #along = 0;

  constructor(
    private readonly service: ServiceModel<S>,
    private readonly reader: Reader,
    private readonly limits: ReadLimits = READ_LIMITS,
  ) {}

  /** @throws HeddleError `not-found`, `conflict` where the keys are those of several objects */
  async entity(steps: readonly Step<S>[], projection: Projection<S>): Promise<Found<S>> {
    const row = await this.#one(steps, neededOf(projection));
    const [found] = await this.#expand([row], projection);
    return found!;
  }

  /** @throws HeddleError `parameter-invalid`, `too-complex`, and as {@link entity} for what the path goes over */
  async set(steps: readonly Step<S>[], projection: Projection<S>, options: QueryOptions): Promise<FoundSet<S>> {
    const { entity } = projection;
    const where = [...(await this.#place(steps)), ...this.#filter(entity, options)];
    const order = [...this.#order(entity, options), ...keyOrder(entity)];
    const page = projection.expanded.length === 0 ? this.limits.page : this.limits.expandedPage;
    const { top = Infinity, skip, skipToken } = options;
    const limit = Math.min(top, page);
    const behind = skipToken === undefined ? [] : [behindToken(skipToken, order)];
    // One more says whether there is more.
    const rows =
      limit === 0
        ? []
        : await rowsOf(this.reader, {
            entity,
            properties: neededOf(projection),
            where: [...where, ...behind],
            order,
            limit: limit + 1,
            skip: skipToken === undefined ? skip : 0,
          });
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const isMore = rows.length > limit && top > limit && last !== undefined;
    const entities = await this.#expand(shown, projection);
    return {
      entities,
      ...(options.isCounted ? { count: await countOf(this.reader, entity, where) } : {}),
      ...(isMore
        ? { next: nextQuery(options, printSkipToken(last.order), top === Infinity ? undefined : top - limit) }
        : {}),
    };
  }

  /**
   * Of the part that `$top` and `$skip` say; 1 of a single entity.
   *
   * @throws HeddleError `not-found` of a single one that there is not
   */
  async count(steps: readonly Step<S>[], options: QueryOptions): Promise<string> {
    const { entity, keys } = steps.at(-1)!;
    const where = [...(await this.#place(steps)), ...this.#filter(entity, options)];
    const count = BigInt(await countOf(this.reader, entity, where));
    if (keys !== undefined && count === 0n) throw nothingOf(entity);
    const { top, skip } = options;
    const behind = count > BigInt(skip) ? count - BigInt(skip) : 0n;
    return String(top === undefined || behind < BigInt(top) ? behind : top);
  }

  /** The version of an object, also of one that was deleted; nothing of one that there never was. */
  async version(key: string): Promise<{ version: number; isDeleted: boolean } | undefined> {
    const { table, hasTombstones } = this.service.object;
    const deleted = hasTombstones ? sql`is_deleted` : sql`false`;
    const { rows } = await sql<{ version: string; deleted: boolean }>`
      select version::text as version, ${deleted} as deleted from ${sql.id(table)} where key = ${key}
    `.execute(this.reader);
    const [row] = rows;
    return row === undefined ? undefined : { version: Number(row.version), isDeleted: row.deleted };
  }

  /** The conditions under which entities are those that a path leads to. */
  async #place(steps: readonly Step<S>[]): Promise<Sql[]> {
    const { entity, navigation, keys } = steps.at(-1)!;
    const own = keys === undefined ? [] : keysAre(entity, keys);
    if (navigation === undefined) return own;
    const { on = [], where = {} } = navigation.model;
    const parent = await this.#one(steps.slice(0, -1), on);
    const joined = Object.fromEntries(on.map((name) => [name, parent.values[name] ?? null]));
    return [
      sql`${sql.id(ALIAS, 'key')} = ${parent.key}`,
      ...keysAre(entity, joined),
      ...fixedOf(where, entity, ALIAS),
      ...own,
    ];
  }

  async #one(steps: readonly Step<S>[], properties: readonly string[]): Promise<Row> {
    const { entity } = steps.at(-1)!;
    const where = await this.#place(steps);
    const [row, other] = await rowsOf(this.reader, { entity, properties, where, order: [], limit: 2 });
    if (row === undefined) throw nothingOf(entity);
    if (other === undefined) return row;
    throw new HeddleError(
      'conflict',
      `Several objects have a ${entity.name} of this key: go to it from the one you mean.`,
    );
  }

  #filter(entity: EntityModel<S>, { filter }: QueryOptions): Sql[] {
    if (filter === undefined) return [];
    return [new FilterSql(this.service, '$filter').condition(filter, entity, ALIAS)];
  }

  #order(entity: EntityModel<S>, { orderBy }: QueryOptions): Order[] {
    const compiler = new FilterSql(this.service, '$orderby');
    return orderBy.map(({ expression, isDescending }) => {
      const compiled: Compiled = compiler.compile(expression, entity, ALIAS);
      if (compiled.type === 'null') throw refusal('$orderby', 'null orders nothing');
      const { type, property } = compiled;
      return { sql: orderedOf(type, compiled.sql, property), type, isDescending };
    });
  }

  async #expand(rows: readonly Row[], projection: Projection<S>): Promise<Found<S>[]> {
    const maps = rows.map(() => new Map<string, Found<S> | null | readonly Found<S>[]>());
    for (const expanded of projection.expanded) {
      const { name, navigation } = expanded;
      const groups = await this.#behind(rows, expanded);
      for (const [index, row] of rows.entries()) {
        const found = groups.get(placeOf(row, navigation.on ?? [])) ?? [];
        maps[index]!.set(name, navigation.many ? found : (found[0] ?? null));
      }
    }
    return rows.map((row, index) => ({ row, projection, along: maps[index]! }));
  }

  async #behind(rows: readonly Row[], { navigation, projection }: Expanded<S>): Promise<Map<string, Found<S>[]>> {
    const groups = new Map<string, Found<S>[]>();
    if (rows.length === 0) return groups;
    const { on = [], where = {} } = navigation;
    const limit = this.limits.along - this.#along;
    const found = await rowsBehind(this.reader, rows, {
      entity: projection.entity,
      properties: [...neededOf(projection), ...on],
      limit: limit + 1,
      on,
      where,
    });
    if (found.length > limit) {
      throw tooComplex('$expand', `brings more than ${this.limits.along} entities along: ask for fewer with $top`);
    }
    this.#along += found.length;
    for (const one of await this.#expand(found, projection)) {
      const place = placeOf(one.row, on);
      const group = groups.get(place);
      if (group === undefined) groups.set(place, [one]);
      else group.push(one);
    }
    return groups;
  }
}

function nothingOf<S>({ name }: EntityModel<S>): HeddleError {
  return new HeddleError('not-found', `There is no such entity of ${name}.`);
}

/** The properties that are read: those answered with, the keys, and what ways go by. */
function neededOf<S>({ entity, properties, expanded }: Projection<S>): string[] {
  const ways = expanded.flatMap(({ navigation }) => navigation.on ?? []);
  return [...new Set([...properties, ...entity.keys, ...(entity.place?.needs ?? []), ...ways])];
}

function placeOf(row: Row, on: readonly string[]): string {
  return JSON.stringify([row.key, ...on.map((name) => row.values[name])]);
}
