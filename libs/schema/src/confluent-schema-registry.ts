import { HeddleError } from '@heddle/event';
import { SchemaRegistry as ConfluentClient } from '@kafkajs/confluent-schema-registry';
import avro, { type Type } from 'avsc';
import { compileSchema } from './avro-codec.js';
import { sameSchema, type AvroSchema } from './avro-schema.js';
import {
  OWN_MODE,
  incompatibilities,
  isCompatibilityMode,
  schemaIncompatible,
  type CompatibilityMode,
} from './compatibility.js';
import { LookUps } from './look-ups.js';
import { standingForItself, type SchemaReference, type WrittenSchema } from './schema-references.js';
import type { RegisteredSchema, SchemaRegistry } from './schema-registry.js';

/** How a registry of Confluent's API is reached. */
export interface ConfluentSchemaRegistryOptions {
  /** The base of the Confluent API: `http://127.0.0.1:8181/apis/ccompat/v7`. */
  url: string;
  /** For each request; 5,000 by default. */
  timeoutMs?: number;
  /** For a registry that asks who comes: a user with a password, or a token. */
  auth?: { username: string; password: string } | { token: string } | undefined;
}

type Middleware = NonNullable<ConstructorParameters<typeof ConfluentClient>[0]['middlewares']>[number];

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';
/** Versions of a subject that are asked for side by side. */
const WIDTH = 8;

/** Stands in for the client's own reading of a schema, which fails at logical types of other languages: ours is enough. */
function unread(): Type {
  return Object.defineProperty(Object.create(avro.Type.forSchema('null')) as Type, 'name', { value: 'schema' });
}

/** The client knows no time limit of its own, and of credentials only users; its HTTP layer takes both per request. */
function requestsWith(timeoutMs: number, headers: Record<string, string>): Middleware {
  return () => ({ prepareRequest: async (next) => (await next()).enhance({ timeout: timeoutMs, headers } as never) });
}

function authorizationOf(auth: ConfluentSchemaRegistryOptions['auth']): Record<string, string> {
  if (auth === undefined) return {};
  if ('token' in auth) return { authorization: `Bearer ${auth.token}` };
  return { authorization: `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}` };
}

/** A registry that speaks Confluent's API (Confluent, Apicurio, Karapace). */
export class ConfluentSchemaRegistry implements SchemaRegistry {
  readonly #url: string;
  readonly #timeoutMs: number;
  readonly #headers: Record<string, string>;
  readonly #client: ConfluentClient;
  /** The mode of each subject that this instance has set. */
  readonly #modes = new Map<string, CompatibilityMode>();
  readonly #schemas = new LookUps((id) => this.#lookUp(id));

  constructor(options: ConfluentSchemaRegistryOptions) {
    this.#url = options.url.replace(/\/+$/, '');
    this.#timeoutMs = options.timeoutMs ?? 5_000;
    this.#headers = authorizationOf(options.auth);
    const middlewares = [requestsWith(this.#timeoutMs, this.#headers)];
    this.#client = new ConfluentClient(
      { host: this.#url, clientId: 'heddle', retry: { retries: 0 }, middlewares },
      { forSchemaOptions: { typeHook: unread } },
    );
  }

  async register(
    subject: string,
    written: AvroSchema,
    mode: CompatibilityMode = OWN_MODE,
    references: readonly SchemaReference[] = [],
  ): Promise<number> {
    const schema = await this.#whole({ schema: written, references });
    compileSchema(schema);
    const latest = await this.latest(subject);
    // The mode comes first: a registry may not enforce any until it is set.
    await this.#setMode(subject, mode);
    if (latest !== undefined && sameSchema(latest.schema, schema)) return latest.id;
    try {
      const given = { type: 'AVRO' as never, schema: JSON.stringify(written), references: [...references] };
      const { id } = await this.#client.register(given, { subject, compatibility: mode as never });
      return id;
    } catch (error) {
      if (statusOf(error) === 409) throw schemaIncompatible(subject, await this.#reasons(subject, schema, mode), error);
      if (statusOf(error) === 422) throw refused(error);
      throw unavailable(error);
    }
  }

  byId(id: number): Promise<AvroSchema> {
    return this.#schemas.get(id);
  }

  async latest(subject: string): Promise<RegisteredSchema | undefined> {
    const answer = await this.#fetch('GET', `/subjects/${encodeURIComponent(subject)}/versions/latest`);
    return isMissing(answer) ? undefined : this.#registered(answer);
  }

  async versions(subject: string): Promise<RegisteredSchema[]> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`;
    const answer = await this.#fetch('GET', path);
    if (isMissing(answer)) return [];
    const { body } = expectOk(answer);
    if (!Array.isArray(body)) throw unavailable(new Error('the list of versions is none'));
    const numbers = body.filter((number): number is number => Number.isSafeInteger(number)).toSorted((a, b) => a - b);
    const versions: RegisteredSchema[] = [];
    for (let i = 0; i < numbers.length; i += WIDTH) {
      const answers = numbers.slice(i, i + WIDTH).map((number) => this.#fetch('GET', `${path}/${number}`));
      // One that was deleted in between is none any more.
      for (const each of await Promise.all(answers)) if (!isMissing(each)) versions.push(await this.#registered(each));
    }
    return versions;
  }

  async mode(subject: string): Promise<CompatibilityMode | undefined> {
    const answer = await this.#fetch('GET', `/config/${encodeURIComponent(subject)}`);
    if (isMissing(answer)) return undefined;
    const mode = property(expectOk(answer).body, 'compatibilityLevel');
    if (!isCompatibilityMode(mode)) throw unavailable(new Error('a compatibility level that there is not'));
    return mode;
  }

  async subjects(): Promise<string[]> {
    const { body } = expectOk(await this.#fetch('GET', '/subjects'));
    if (!Array.isArray(body)) throw unavailable(new Error('the list of subjects is none'));
    return body.filter((subject): subject is string => typeof subject === 'string');
  }

  async check(subject: string, schema: AvroSchema): Promise<{ compatible: boolean; messages: string[] }> {
    compileSchema(schema);
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions?verbose=true`;
    const answer = await this.#fetch('POST', path, { schema: JSON.stringify(schema) });
    // No such subject yet: whatever is valid may be its first version.
    if (isMissing(answer)) return { compatible: true, messages: [] };
    if (answer.status === 422) throw refused(new Error(String(property(answer.body, 'message'))));
    const said = property(expectOk(answer).body, 'is_compatible') === true;
    const messages = await this.#reasons(subject, schema, OWN_MODE);
    // Without a mode of its own the registry may accept anything; under ours the comparison speaks.
    return { compatible: said && messages.length === 0, messages };
  }

  async ping(): Promise<void> {
    expectOk(await this.#fetch('GET', '/config'));
  }

  async #lookUp(id: number): Promise<AvroSchema> {
    const answer = await this.#fetch('GET', `/schemas/ids/${id}`);
    if (isMissing(answer)) throw new HeddleError('schema-unknown', `The registry has no schema ${id}.`);
    const { body } = expectOk(answer);
    const [kind = 'AVRO', other = id, written] = ['schemaType', 'id', 'schema'].map((name) => property(body, name));
    if (kind !== 'AVRO') throw new HeddleError('schema-invalid', `The schema ${id} is not Avro.`);
    if (typeof written !== 'string') throw unavailable(new Error('an answer without a schema'));
    if (other !== id) throw unavailable(new Error(`the schema ${String(other)} in place of ${id}`));
    return this.#whole({ schema: parsed(written), references: referencesIn(body) });
  }

  async #registered(answer: Answer): Promise<RegisteredSchema> {
    const { id, version, schema, references } = registeredOf(answer);
    return { id, version, schema: await this.#whole({ schema, references }) };
  }

  /** @throws HeddleError `schema-invalid` when it refers to what there is not; `registry-unavailable` */
  #whole(written: WrittenSchema): Promise<AvroSchema> {
    return standingForItself(written, async ({ subject, version }) => {
      const answer = await this.#fetch('GET', `/subjects/${encodeURIComponent(subject)}/versions/${version}`);
      return isMissing(answer) ? undefined : registeredOf(answer);
    });
  }

  async #setMode(subject: string, mode: CompatibilityMode): Promise<void> {
    if (this.#modes.get(subject) === mode) return;
    expectOk(await this.#fetch('PUT', `/config/${encodeURIComponent(subject)}`, { compatibility: mode }));
    this.#modes.set(subject, mode);
  }

  /** Why the versions of a subject refuse a schema, with the fields named; registries do not all say. */
  async #reasons(subject: string, schema: AvroSchema, mode: CompatibilityMode): Promise<string[]> {
    const versions = await this.versions(subject);
    return incompatibilities(
      schema,
      versions.map((version) => version.schema),
      mode,
    );
  }

  async #fetch(method: string, path: string, body?: unknown): Promise<Answer> {
    try {
      const response = await fetch(this.#url + path, {
        method,
        headers: { accept: CONTENT_TYPE, 'content-type': CONTENT_TYPE, ...this.#headers },
        signal: AbortSignal.timeout(this.#timeoutMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    } catch (error) {
      throw unavailable(error, this.#url);
    }
  }
}

interface Answer {
  status: number;
  body: unknown;
}

function expectOk(answer: Answer): Answer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw unavailable(new Error(`status ${answer.status}: ${String(property(answer.body, 'message')).slice(0, 200)}`));
}

/** A registry says with a code of its own that it has none; without, something else answers at this address. */
function isMissing({ status, body }: Answer): boolean {
  return status === 404 && String(property(body, 'error_code')).startsWith('404');
}

function registeredOf(answer: Answer): RegisteredSchema & WrittenSchema {
  const { body } = expectOk(answer);
  const [id, version, schema] = [property(body, 'id'), property(body, 'version'), property(body, 'schema')];
  if (typeof id !== 'number' || typeof version !== 'number' || typeof schema !== 'string') {
    throw unavailable(new Error('a version without id, number or schema'));
  }
  return { id, version, schema: parsed(schema), references: referencesIn(body) };
}

function parsed(schema: string): AvroSchema {
  try {
    return JSON.parse(schema) as AvroSchema;
  } catch (error) {
    // A bare type name may stand without quotes; anything else no registry has taken in.
    if (/^[a-z]+$/.test(schema)) return schema;
    throw unavailable(error);
  }
}

/** Registries leave them out where there are none. */
function referencesIn(body: unknown): SchemaReference[] {
  const given = property(body, 'references') ?? [];
  if (!Array.isArray(given)) throw unavailable(new Error('references that are no list'));
  return given.map((each) => {
    const [name, subject, version] = ['name', 'subject', 'version'].map((part) => property(each, part));
    if (typeof name !== 'string' || typeof subject !== 'string' || !Number.isSafeInteger(version)) {
      throw unavailable(new Error('a reference without name, subject or version'));
    }
    return { name, subject, version: version as number };
  });
}

function property(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : undefined;
}

function statusOf(error: unknown): number | undefined {
  const status = property(error, 'status');
  return typeof status === 'number' ? status : undefined;
}

function refused(cause: unknown): HeddleError {
  const text = cause instanceof Error ? cause.message.slice(0, 300) : 'no reason given';
  return new HeddleError('schema-invalid', `The registry refuses the schema: ${text}.`, { cause });
}

function unavailable(cause: unknown, url?: string): HeddleError {
  if (cause instanceof HeddleError) return cause;
  const where = url === undefined ? '' : ` at ${url}`;
  return new HeddleError('registry-unavailable', `The schema registry${where} does not answer as it should.`, {
    cause,
    retryAfterSeconds: 1,
  });
}
