import { createHash } from 'node:crypto';
import { HeddleError } from '@heddle/event';
import { sql } from 'kysely';
import { etagOf } from './address.js';
import { AtomAnswer } from './atom-answer.js';
import { textOf } from './edm.js';
import { formatOf } from './error-answer.js';
import { JsonAnswer } from './json-answer.js';
import { metadataOf } from './metadata.js';
import type { ServiceModel } from './model.js';
import { type ODataAnswer, type ODataRequest, VERSION_HEADERS, ok, split } from './odata-request.js';
import { type Projection, projectionOf } from './projection.js';
import { type QueryOptions, parseOptions } from './query-options.js';
import { type Found, Read, type ReadLimits } from './read.js';
import { refusal, tooComplex } from './refusal.js';
import { STATEMENT_MS } from './refused.js';
import { type Resource, type Step, parseResource } from './resource.js';
import type { Reader } from './rows.js';

/** Answers requests that change nothing: each in one transaction, of one moment. */
export class ReadRequests<S> {
  readonly #metadata: string;
  readonly #metadataTag: string;

  constructor(
    private readonly model: ServiceModel<S>,
    private readonly db: Reader,
    private readonly limits: ReadLimits,
  ) {
    this.#metadata = metadataOf(model);
    this.#metadataTag = `"${createHash('sha256').update(this.#metadata).digest('base64url')}"`;
  }

  /** What a GET is answered with. @throws HeddleError for whatever is wrong */
  async answer(request: ODataRequest): Promise<ODataAnswer> {
    const { path, query } = split(request.url);
    const { model, db } = this;
    const resource = parseResource(model, path);
    const options = parseOptions(query, request.headers);
    if (resource.kind === 'metadata') return this.#metadataAnswer(request);
    if (resource.kind === 'root') return this.#root(request);
    if (!('steps' in resource)) {
      throw new HeddleError('method-unsupported', 'This is answered to POST only.');
    }
    return within(db, async (reader) =>
      this.#answerOf(request, resource, options, new Read(model, reader, this.limits)),
    );
  }

  async #answerOf(
    request: ODataRequest,
    resource: Extract<Resource<S>, { steps: unknown }>,
    options: QueryOptions,
    read: Read<S>,
  ): Promise<ODataAnswer> {
    const { steps, kind } = resource;
    const { entity } = steps.at(-1)!;
    mustFit(kind, options);
    if (options.version !== undefined) await mustBeAsNew(read, steps[0], options.version);
    switch (kind) {
      case 'count':
        return ok(await read.count(steps, options), 'text/plain;charset=utf-8');
      case 'set': {
        const found = await read.set(steps, projectionOf(this.model, entity, options), options);
        const next =
          found.next === undefined ? {} : { next: `${request.root}${split(request.url).path}?${found.next}` };
        const set = { ...found, ...next };
        const { json, atom } = this.#answers(request);
        return json === undefined ? ok(atom.set(set, entity), atom.contentType) : ok(json.set(set), json.contentType);
      }
      case 'links':
        return this.#links(request, steps, options, read);
      case 'entity': {
        const projection = projectionOf(this.model, entity, options);
        const found = await this.#one(read, steps, projection);
        if (found === undefined) return this.#nothing(request, steps.at(-1)!.navigation!.name);
        return unlessKnown(request, etagOf(found.row)) ?? this.entity(found, request);
      }
      default:
        return this.#property(request, steps, resource.property!, kind === 'value', read);
    }
  }

  /** Nothing, where a way to at most one leads to none. */
  async #one(read: Read<S>, steps: readonly Step<S>[], projection: Projection<S>): Promise<Found<S> | undefined> {
    const { navigation, keys } = steps.at(-1)!;
    if (navigation === undefined || keys !== undefined) return read.entity(steps, projection);
    const { entities } = await read.set(steps, projection, parseOptions(''));
    return entities[0];
  }

  async #property(
    request: ODataRequest,
    steps: readonly Step<S>[],
    name: string,
    isValue: boolean,
    read: Read<S>,
  ): Promise<ODataAnswer> {
    const { entity } = steps.at(-1)!;
    const found = await read.entity(steps, { entity, properties: [name], deferred: [], expanded: [] });
    const value = found.row.values[name] ?? null;
    const etag = { etag: etagOf(found.row) };
    const known = unlessKnown(request, etag.etag);
    if (known !== undefined) return known;
    if (isValue) {
      if (value === null) throw new HeddleError('not-found', `${name} has no value.`);
      return ok(textOf(entity.properties[name]!.type, value), 'text/plain;charset=utf-8', etag);
    }
    const { json, atom } = this.#answers(request);
    return json === undefined
      ? ok(atom.property({ entity }, name, value), 'application/xml;charset=utf-8', etag)
      : ok(json.property({ entity }, name, value), json.contentType, etag);
  }

  async #links(
    request: ODataRequest,
    steps: readonly Step<S>[],
    options: QueryOptions,
    read: Read<S>,
  ): Promise<ODataAnswer> {
    const { entity, navigation, keys } = steps.at(-1)!;
    const { entities, next } = await read.set(steps, { entity, properties: [], deferred: [], expanded: [] }, options);
    if (next !== undefined) throw tooComplex('$links', 'are more than one answer holds: ask for the entities');
    const rows = entities.map(({ row }) => row);
    const isMany = navigation?.model.many === true && keys === undefined;
    if (!isMany && rows.length === 0) throw new HeddleError('not-found', 'There is nothing that this leads to.');
    const { json, atom } = this.#answers(request);
    return json === undefined
      ? ok(atom.links(entity, rows, isMany), 'application/xml;charset=utf-8')
      : ok(json.links(entity, rows, isMany), json.contentType);
  }

  #metadataAnswer(request: ODataRequest): ODataAnswer {
    const etag = this.#metadataTag;
    return unlessKnown(request, etag) ?? ok(this.#metadata, 'application/xml;charset=utf-8', { etag });
  }

  #root(request: ODataRequest): ODataAnswer {
    const { json, atom } = this.#answers(request);
    return json === undefined
      ? ok(atom.serviceDocument(), 'application/atomsvc+xml;charset=utf-8')
      : ok(json.serviceDocument(), json.contentType);
  }

  /** One entity, with its ETag. */
  entity(found: Found<S>, request: ODataRequest): ODataAnswer {
    const { json, atom } = this.#answers(request);
    const etag = { etag: etagOf(found.row) };
    return json === undefined
      ? ok(atom.entity(found), `${atom.contentType};type=entry`, etag)
      : ok(json.entity(found), json.contentType, etag);
  }

  #nothing(request: ODataRequest, name: string): ODataAnswer {
    const { json, atom } = this.#answers(request);
    return json === undefined
      ? ok(atom.nothing(name), 'application/xml;charset=utf-8')
      : ok(json.nothing(name), json.contentType);
  }

  #answers({ url, headers, root }: ODataRequest): { json: JsonAnswer<S> | undefined; atom: AtomAnswer<S> } {
    const { model } = this;
    const isJson = formatOf(url, headers['accept']) === 'json';
    return { json: isJson ? new JsonAnswer(model, root) : undefined, atom: new AtomAnswer(model, root) };
  }
}

/** Everything is read as it was at one moment: what is expanded fits what it is expanded from. */
function within<R>(db: Reader, work: (reader: Reader) => Promise<R>): Promise<R> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (reader) => {
      await sql`set local statement_timeout = ${sql.lit(STATEMENT_MS)}`.execute(reader);
      return work(reader);
    });
}

const OF_SETS = ['$top', '$skip', '$skiptoken', '$orderby', '$filter', '$inlinecount'] as const;

/** Options that say nothing here are refused: whoever sends them expects something of them. */
function mustFit(kind: string, options: QueryOptions): void {
  const given = new Set(options.given);
  const [none, why] =
    kind === 'set' || kind === 'links'
      ? [kind === 'set' ? [] : ['$expand', '$select'], 'of links']
      : kind === 'count'
        ? [['$expand', '$select', '$skiptoken', '$inlinecount'], 'of a count']
        : [[...OF_SETS, ...(kind === 'entity' ? [] : ['$expand', '$select'])], 'of one entity'];
  const wrong = none.find((name) => given.has(name));
  if (wrong !== undefined) throw refusal(wrong, `is no option ${why}`);
}

/** What is answered to whoever has this already (RFC 9110 §13.1.2). */
function unlessKnown({ headers }: ODataRequest, etag: string): ODataAnswer | undefined {
  const tags = (headers['if-none-match'] ?? '').split(',').map((tag) => opaque(tag.trim()));
  if (!tags.some((tag) => tag === '*' || tag === opaque(etag))) return undefined;
  return { status: 304, headers: { ...VERSION_HEADERS, etag }, body: '' };
}

const opaque = (tag: string): string => tag.replace(/^W\//, '');

/**
 * Whoever was notified of a version gets that one or a later one: its own database knows it by then, and one that does
 * not (a copy, a backup that was put back) is not believed.
 *
 * @throws HeddleError `object-behind`; `object-gone` for what was deleted by then
 */
async function mustBeAsNew<S>(read: Read<S>, { entity, keys }: Step<S>, version: number): Promise<void> {
  const key = entity.objectKey === undefined ? undefined : keys?.[entity.objectKey];
  if (typeof key !== 'string')
    throw refusal('version', 'is of one object: name it by its key at the begin of the path');
  const found = await read.version(key);
  if (found === undefined || found.version < version) {
    throw new HeddleError('object-behind', `${key} is not at version ${version} yet; try again.`, {
      retryAfterSeconds: 1,
    });
  }
  if (found.isDeleted)
    throw new HeddleError('object-gone', `${key} was deleted; that is its version ${found.version}.`);
}
