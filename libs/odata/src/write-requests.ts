import { HeddleError } from '@heddle/event';
import type { JsonLimits } from '@heddle/runtime';
import type { ChangeBy, EntityAt, EntityChanges, Payload } from './changes.js';
import { kindOf } from './edm.js';
import type { Format } from './error-answer.js';
import { scanLiteral } from './literal.js';
import { type EntityModel, type NavigationModel, type ServiceModel, own } from './model.js';
import type { ODataRequest } from './odata-request.js';
import { type PayloadKind, type PropertyFormat, readPayload, readProperty, withoutValue } from './payload.js';
import type { QueryOptions } from './query-options.js';
import type { Read } from './read.js';
import { invalid, quoted, refusal } from './refusal.js';
import type { Resource, Step } from './resource.js';
import { storedText } from './columns.js';

/** What a change has come to: nothing to say, or the entity that there is now. */
export type Made<S> =
  | { kind: 'nothing'; headers: Record<string, string> }
  | { kind: 'created' | 'changed'; steps: readonly [Step<S>, ...Step<S>[]] };

interface Ground<S> {
  resource: Resource<S>;
  options: QueryOptions;
  service: S;
  read: Read<S>;
}

/** Turns requests that change something into changes of the service, whose rules hold. */
export class WriteRequests<S> {
  constructor(
    private readonly model: ServiceModel<S>,
    private readonly json: JsonLimits,
  ) {}

  /** @throws HeddleError `method-unsupported` for what cannot be done here, and whatever the service says */
  async run(request: ODataRequest, ground: Ground<S>): Promise<Made<S>> {
    const { resource } = ground;
    const { method } = request;
    if (resource.kind === 'function') {
      if (method !== 'POST') throw unsupported('POST');
      return this.#call(resource.name, request, ground);
    }
    if (resource.kind === 'set' && method === 'POST') return this.#create(resource.steps, request, ground);
    if (resource.kind === 'links') {
      throw new HeddleError(
        'method-unsupported',
        'Links are only read: what a way leads to belongs to the same object. Create, change or delete that itself.',
      );
    }
    if (resource.kind === 'property' || resource.kind === 'value') {
      return this.#changeProperty(resource.steps, resource.property!, resource.kind === 'value', request, ground);
    }
    if (resource.kind !== 'entity' || method === 'POST')
      throw unsupported(resource.kind === 'set' ? 'GET, POST' : 'GET');
    const { entity } = resource.steps.at(-1)!;
    const { change, remove } = entity.changes ?? {};
    if (method === 'DELETE') {
      if (remove === undefined) throw refusedBy(entity, 'deleted');
      const at = await this.#at(resource.steps, ground);
      await remove(ground.service, at, changeBy(request, true));
      return { kind: 'nothing', headers: {} };
    }
    if (change === undefined) throw refusedBy(entity, 'changed');
    const patch = (): Payload => this.#payload(entity, request, method === 'PUT' ? 'replace' : 'change');
    return this.#change(change, resource.steps, patch, request, ground);
  }

  /** One property by its own URL, of which there is nothing but the value: PUT, PATCH and MERGE are the same. */
  #changeProperty(
    steps: readonly Step<S>[],
    name: string,
    isValue: boolean,
    request: ODataRequest,
    ground: Ground<S>,
  ): Promise<Made<S>> {
    const { entity } = steps.at(-1)!;
    const change = entity.changes?.change;
    if (change === undefined) throw refusedBy(entity, 'changed');
    const { method, headers, body } = request;
    if (method === 'POST' || (method === 'DELETE' && !isValue)) throw unsupported('GET, PATCH, MERGE, PUT');
    const patch = (): Payload => {
      if (method === 'DELETE') return withoutValue(entity, name);
      const format = isValue ? formatIn(headers, VALUES) : formatIn(headers, BODIES);
      return readProperty(entity, name, body, { format, json: this.json });
    };
    return this.#change(change, steps, patch, request, ground);
  }

  async #change(
    change: NonNullable<EntityChanges<S>['change']>,
    steps: readonly Step<S>[],
    patchOf: () => Payload,
    request: ODataRequest,
    ground: Ground<S>,
  ): Promise<Made<S>> {
    const by = changeBy(request, true);
    const patch = patchOf();
    const at = await this.#at(steps, ground);
    await change(ground.service, at, patch, by);
    const { etag } = await this.#etagOf(at.key, ground);
    return { kind: 'nothing', headers: { etag } };
  }

  async #create(steps: readonly [Step<S>, ...Step<S>[]], request: ODataRequest, ground: Ground<S>): Promise<Made<S>> {
    const { entity, navigation } = steps.at(-1)!;
    const create = entity.changes?.create;
    if (create === undefined) throw refusedBy(entity, 'created');
    const input = this.#payload(entity, request, 'create');
    const by = changeBy(request, false);
    if (navigation === undefined) {
      const keys = await create(ground.service, input, by, undefined);
      return { kind: 'created', steps: [{ entity, keys }] };
    }
    const [first, ...rest] = steps.slice(0, -1);
    const parent = { ...(await this.#at(steps.slice(0, -1), ground)), navigation: navigation.name };
    mustAgree(entity, input, navigation.model, parent);
    const keys = await create(ground.service, input, by, parent);
    return { kind: 'created', steps: [first!, ...rest, { entity, navigation, keys }] };
  }

  /** A function that changes something: its parameters stand in the query, as literals. */
  async #call(name: string, request: ODataRequest, ground: Ground<S>): Promise<Made<S>> {
    const { parameters, returns, run } = this.model.functions![name]!;
    const values = Object.entries(parameters).map(([parameter, property]) => {
      const text = ground.options.others.get(parameter);
      const scanned = text === undefined ? undefined : scanLiteral(text, 0, parameter);
      const { literal, end } = scanned ?? { literal: undefined, end: 0 };
      if (
        literal === undefined ||
        literal.type === 'null' ||
        end !== text?.length ||
        kindOf(literal.type) !== kindOf(property.type)
      ) {
        throw refusal(parameter, `is a parameter of ${name}, of ${property.type}; ${quoted(text ?? '')} is none`);
      }
      const { value } = literal;
      return [parameter, typeof value === 'string' ? storedText(property, value) : value] as const;
    });
    const keys = Object.fromEntries(values);
    const entity = this.model.entities[returns]!;
    const key = entity.objectKey === undefined ? '' : String(keys[entity.objectKey]);
    await run!(ground.service, { key, keys, values: keys }, {}, changeBy(request, false));
    const ownKeys = Object.fromEntries(entity.keys.map((one) => [one, keys[one] ?? null]));
    return { kind: 'changed', steps: [{ entity, keys: ownKeys }] };
  }

  async #at(steps: readonly Step<S>[], { read }: Ground<S>): Promise<EntityAt> {
    const { entity } = steps.at(-1)!;
    const { row } = await read.entity(steps, { entity, properties: [], deferred: [], expanded: [] });
    const keys = Object.fromEntries(entity.keys.map((name) => [name, row.values[name] ?? null]));
    return { key: row.key, keys, values: row.values };
  }

  async #etagOf(key: string, { read }: Ground<S>): Promise<{ etag: string }> {
    const version = (await read.version(key))?.version ?? 0;
    return { etag: `W/"${version}"` };
  }

  #payload(entity: EntityModel<S>, { headers, body }: ODataRequest, kind: PayloadKind): Payload {
    const format = formatIn(headers, BODIES);
    return readPayload(this.model, entity, body, { kind, format, json: this.json });
  }
}

/** @throws HeddleError `content-type-unsupported` */
function formatIn<F>(headers: ODataRequest['headers'], formats: Readonly<Record<string, F>>): F {
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const format = own(formats, type);
  if (format !== undefined) return format;
  const types = Object.keys(formats).join(', ');
  throw new HeddleError('content-type-unsupported', `What is changed is said in one of ${types}.`, {
    field: 'content-type',
  });
}

/** What entities are written in, by content type. */
const BODIES: Readonly<Record<string, Format>> = {
  'application/json': 'json',
  'application/atom+xml': 'atom',
  'application/xml': 'atom',
};

/** And what a value by itself is. */
const VALUES: Readonly<Record<string, PropertyFormat>> = { 'text/plain': 'value' };

/** What the path says already may be said once more, only not otherwise. */
function mustAgree<S>(
  { objectKey }: EntityModel<S>,
  input: Readonly<Record<string, unknown>>,
  { on = [] }: NavigationModel,
  { values }: EntityAt,
): void {
  for (const name of new Set([...on, ...(objectKey === undefined ? [] : [objectKey])])) {
    const [said, known] = [input[name], values[name]];
    if (said === undefined || said === '' || known === undefined || said === known) continue;
    throw invalid(name, `is ${quoted(String(known))} by the path`);
  }
}

/** Versions as the services read them: V2 calls its ETags weak. @throws HeddleError `precondition-required` */
function changeBy({ headers }: ODataRequest, mustMatch: boolean): ChangeBy {
  const ifMatch = headers['if-match'];
  if (ifMatch === undefined && mustMatch) {
    throw new HeddleError('precondition-required', 'Send the ETag of the entity as If-Match, or * for any version.', {
      field: 'if-match',
    });
  }
  return {
    headers: { ...headers, ...(ifMatch === undefined ? {} : { 'if-match': ifMatch.replaceAll(/\bW\//g, '') }) },
  };
}

function refusedBy<S>({ name, changes }: EntityModel<S>, what: string): HeddleError {
  const can = Object.entries({ create: 'POST', change: 'PATCH, MERGE, PUT', remove: 'DELETE' } as const)
    .filter(([one]) => own(changes as Record<keyof EntityChanges<S>, unknown> | undefined, one) !== undefined)
    .map(([, method]) => method);
  return new HeddleError(
    'method-unsupported',
    `Entities of ${name} are not ${what} here: ${['GET', ...can].join(', ')}.`,
  );
}

function unsupported(methods: string): HeddleError {
  return new HeddleError('method-unsupported', `This is answered to ${methods} only.`);
}
