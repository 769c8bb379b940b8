import { HeddleError } from '@heddle/event';
import { HTTP_LIMITS, type JsonLimits, jsonLimitsOf } from '@heddle/runtime';
import { pathOf } from './address.js';
import { allowedAt } from './allowed.js';
import { CSRF_HEADER, isCsrfFetch, isCsrfToken } from './csrf.js';
import type { ServiceModel } from './model.js';
import {
  type ODataAnswer,
  type ODataCaller,
  type ODataRequest,
  VERSION_HEADERS,
  mustSpeakV2,
  split,
} from './odata-request.js';
import { projectionOf } from './projection.js';
import { parseOptions } from './query-options.js';
import { READ_LIMITS, Read, type ReadLimits } from './read.js';
import { ReadRequests } from './read-requests.js';
import { refused } from './refused.js';
import { parseResource } from './resource.js';
import type { Reader } from './rows.js';
import { WriteRequests } from './write-requests.js';

/** Runs work with the service in one transaction: commits when it resolves, rolls back when it rejects. */
export type ChangeTransaction<S> = <R>(work: (service: S, reader: Reader) => Promise<R>) => Promise<R>;

export interface ODataParts<S> {
  model: ServiceModel<S>;
  db: Reader;
  change: ChangeTransaction<S>;
  limits?: Partial<ReadLimits>;
  json?: JsonLimits;
}

const METHODS = new Set(['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'MERGE', 'DELETE']);
/** Those that a POST cannot stand for. */
const READS = new Set(['OPTIONS', 'GET', 'HEAD']);

/** An OData V2 service. Each read is one transaction, of one moment; changes of a set are made all, or none. */
export class ODataService<S> {
  readonly name: string;
  readonly #reads: ReadRequests<S>;
  readonly #writes: WriteRequests<S>;
  readonly #limits: ReadLimits;

  constructor(private readonly parts: ODataParts<S>) {
    const { model, db, limits, json = jsonLimitsOf(HTTP_LIMITS) } = parts;
    this.name = model.name;
    this.#limits = { ...READ_LIMITS, ...limits };
    this.#reads = new ReadRequests(model, db, this.#limits);
    this.#writes = new WriteRequests(model, json);
  }

  /** The answer to a request that is no batch; what a client did wrong is an answer, too. */
  async answer(request: ODataRequest, caller: ODataCaller): Promise<ODataAnswer> {
    const answer = await this.#answer(request, caller);
    const { csrfToken } = caller;
    // With whatever it asked for: the token is its wish, and that there is nothing there is no reason to withhold it.
    if (csrfToken !== undefined && READS.has(request.method) && isCsrfFetch(request.headers[CSRF_HEADER]))
      answer.headers[CSRF_HEADER] = csrfToken;
    return answer;
  }

  async #answer(request: ODataRequest, caller: ODataCaller): Promise<ODataAnswer> {
    try {
      mustSpeakV2(request);
      const method = methodOf(request);
      if (method === 'OPTIONS') {
        const allow = allowedAt(this.parts.model, request.url);
        return { status: 204, headers: { ...VERSION_HEADERS, allow }, body: '' };
      }
      if (method === 'GET' || method === 'HEAD') {
        return await this.#reads.answer(request);
      }
      mustShowToken(request, caller.csrfToken);
      caller.mustBeAllowedToChange();
      return await this.changes((change) => change(request));
    } catch (error) {
      return this.#refused(error, request);
    }
  }

  /** Runs changes in one transaction; the first that fails throws, and all of them are undone. */
  changes<R>(work: (change: (request: ODataRequest) => Promise<ODataAnswer>) => Promise<R>): Promise<R> {
    return this.parts.change((service, reader) => work((request) => this.#change(request, service, reader)));
  }

  /** With the methods that there are, where it is the method that is wrong (RFC 9110 §15.5.6). */
  #refused(error: unknown, request: ODataRequest): ODataAnswer {
    const answer = refused(error, request);
    if (answer.status !== 405) return answer;
    try {
      return { ...answer, headers: { ...answer.headers, allow: allowedAt(this.parts.model, request.url) } };
    } catch {
      // A path that is none has none.
      return answer;
    }
  }

  async #change(request: ODataRequest, service: S, reader: Reader): Promise<ODataAnswer> {
    const { model } = this.parts;
    const { path, query } = split(request.url);
    const resource = parseResource(model, path);
    const options = parseOptions(query, request.headers);
    const read = new Read(model, reader, this.#limits);
    const method = methodOf(request);
    const made = await this.#writes.run({ ...request, method }, { resource, options, service, read });
    if (made.kind === 'nothing') return { status: 204, headers: { ...VERSION_HEADERS, ...made.headers }, body: '' };
    const projection = projectionOf(model, made.steps.at(-1)!.entity, options);
    const found = await read.entity(made.steps, projection);
    const answer = this.#reads.entity(found, request);
    if (made.kind === 'changed') return answer;
    const location = `${request.root}/${pathOf(model, projection.entity, found.row)}`;
    return { ...answer, status: 201, headers: { ...answer.headers, location } };
  }
}

/** @throws HeddleError `permission-missing`, whose answer has `X-CSRF-Token: Required` */
export function mustShowToken({ headers }: Pick<ODataRequest, 'headers'>, token: string | undefined): void {
  if (token === undefined || isCsrfToken(headers[CSRF_HEADER], token)) return;
  throw new HeddleError(
    'permission-missing',
    'CSRF token validation failed: get one with X-CSRF-Token: Fetch, and send it with what changes something.',
    { field: CSRF_HEADER },
  );
}

/** A method may be named by a header of a POST, where something on the way lets no other through. */
function methodOf({ method, headers }: ODataRequest): string {
  const tunnelled = method === 'POST' ? (headers['x-http-method'] ?? headers['x-http-method-override']) : undefined;
  const wanted = tunnelled?.trim().toUpperCase() ?? method;
  if (METHODS.has(wanted) && !(tunnelled !== undefined && READS.has(wanted))) return wanted;
  throw new HeddleError('method-unsupported', `This answers to ${[...METHODS].join(', ')}.`);
}
