import { HeddleError } from '@heddle/event';
import { COMPATIBILITY, SchemaRegistry as ConfluentClient } from '@kafkajs/confluent-schema-registry';
import avro, { type Type } from 'avsc';
import { compileSchema } from './avro-codec.js';
import { sameSchema, type AvroSchema } from './avro-schema.js';
import { incompatibilities, schemaIncompatible } from './compatibility.js';
import type { RegisteredSchema, SchemaRegistry } from './schema-registry.js';

export interface ConfluentSchemaRegistryOptions {
  /** The base of the Confluent API: `http://127.0.0.1:8181/apis/ccompat/v7`. */
  url: string;
  /** For each request; 5,000 by default. */
  timeoutMs?: number;
}

type Middleware = NonNullable<ConstructorParameters<typeof ConfluentClient>[0]['middlewares']>[number];

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';
const LEVEL = COMPATIBILITY.FULL_TRANSITIVE;

/** Carries a schema through the client as it was written; see {@link asWritten}. */
type WrittenType = Type & { written?: AvroSchema };

/**
 * Stands in for the client's own reading of a schema, which would drop logical types and properties of one's own:
 * nothing is compiled, the JSON stays with the type that the client hands back.
 */
function asWritten(schema: unknown): Type {
  const carrier: WrittenType = Object.create(avro.Type.forSchema('null')) as WrittenType;
  Object.defineProperties(carrier, { written: { value: schema }, name: { value: 'schema' } });
  return carrier;
}

/** The client knows no time limit of its own; its HTTP layer takes one per request. */
function timeLimit(timeoutMs: number): Middleware {
  return () => ({ prepareRequest: async (next) => (await next()).enhance({ timeout: timeoutMs } as never) });
}

/** A registry that speaks Confluent's API (Confluent, Apicurio, Karapace). */
export class ConfluentSchemaRegistry implements SchemaRegistry {
  readonly #url: string;
  readonly #timeoutMs: number;
  readonly #client: ConfluentClient;
  /** Subjects whose level this instance has set. */
  readonly #levelled = new Set<string>();

  constructor(options: ConfluentSchemaRegistryOptions) {
    this.#url = options.url.replace(/\/+$/, '');
    this.#timeoutMs = options.timeoutMs ?? 5_000;
    this.#client = new ConfluentClient(
      { host: this.#url, clientId: 'heddle', retry: { retries: 0 }, middlewares: [timeLimit(this.#timeoutMs)] },
      { forSchemaOptions: { typeHook: asWritten } },
    );
  }

  async register(subject: string, schema: AvroSchema): Promise<number> {
    compileSchema(schema);
    const latest = await this.latest(subject);
    // The level comes first: a registry may not enforce any until it is set.
    await this.#setLevel(subject);
    if (latest !== undefined && sameSchema(latest.schema, schema)) return latest.id;
    try {
      const written = { type: 'AVRO' as never, schema: JSON.stringify(schema) };
      const { id } = await this.#client.register(written, { subject, compatibility: LEVEL });
      return id;
    } catch (error) {
      if (statusOf(error) === 409) throw schemaIncompatible(subject, await this.#reasons(subject, schema), error);
      if (statusOf(error) === 422) throw refused(error);
      throw unavailable(error);
    }
  }

  async byId(id: number): Promise<AvroSchema> {
    try {
      const type = (await this.#client.getSchema(id)) as unknown as WrittenType;
      if (!('written' in type)) throw new HeddleError('schema-invalid', `The schema ${id} is not Avro.`);
      if (type.written === undefined) {
        // What answered was no registry; the client has kept it all the same.
        this.#client.cache.clear();
        throw unavailable(new Error('an answer without a schema'));
      }
      return type.written;
    } catch (error) {
      if (error instanceof HeddleError) throw error;
      if (statusOf(error) === 404)
        throw new HeddleError('schema-unknown', `The registry has no schema ${id}.`, { cause: error });
      if (statusOf(error) !== undefined || !isOwnError(error)) throw unavailable(error);
      throw new HeddleError('schema-invalid', `The schema ${id} cannot be read.`, { cause: error });
    }
  }

  async latest(subject: string): Promise<RegisteredSchema | undefined> {
    const answer = await this.#fetch('GET', `/subjects/${encodeURIComponent(subject)}/versions/latest`);
    if (answer.status === 404) return undefined;
    return registeredOf(answer);
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
    if (answer.status === 404) return { compatible: true, messages: [] };
    if (answer.status === 422) throw refused(new Error(String(property(answer.body, 'message'))));
    const said = property(expectOk(answer).body, 'is_compatible') === true;
    const messages = await this.#reasons(subject, schema);
    // Without a level of its own the registry may accept anything; under ours the comparison speaks.
    return { compatible: said && messages.length === 0, messages };
  }

  async ping(): Promise<void> {
    expectOk(await this.#fetch('GET', '/config'));
  }

  async #setLevel(subject: string): Promise<void> {
    if (this.#levelled.has(subject)) return;
    expectOk(await this.#fetch('PUT', `/config/${encodeURIComponent(subject)}`, { compatibility: LEVEL }));
    this.#levelled.add(subject);
  }

  /** Why the versions of a subject refuse a schema, with the fields named; registries do not all say. */
  async #reasons(subject: string, schema: AvroSchema): Promise<string[]> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`;
    const { body } = expectOk(await this.#fetch('GET', path));
    const numbers = Array.isArray(body) ? body : [];
    const versions: AvroSchema[] = [];
    for (const number of numbers) {
      const answer = await this.#fetch('GET', `${path}/${String(number)}`);
      if (answer.status === 200) versions.push(registeredOf(answer).schema);
    }
    return incompatibilities(schema, versions);
  }

  async #fetch(method: string, path: string, body?: unknown): Promise<Answer> {
    try {
      const response = await fetch(this.#url + path, {
        method,
        headers: { accept: CONTENT_TYPE, 'content-type': CONTENT_TYPE },
        signal: AbortSignal.timeout(this.#timeoutMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    } catch (error) {
      throw unavailable(error);
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

function registeredOf(answer: Answer): RegisteredSchema {
  const { body } = expectOk(answer);
  const [id, version, schema] = [property(body, 'id'), property(body, 'version'), property(body, 'schema')];
  if (typeof id !== 'number' || typeof version !== 'number' || typeof schema !== 'string') {
    throw unavailable(new Error('a version without id, number or schema'));
  }
  return { id, version, schema: parsed(schema) };
}

function parsed(schema: string): AvroSchema {
  try {
    return JSON.parse(schema) as AvroSchema;
  } catch {
    // A bare type name may stand without quotes.
    return schema;
  }
}

function property(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : undefined;
}

function statusOf(error: unknown): number | undefined {
  const status = property(error, 'status');
  return typeof status === 'number' ? status : undefined;
}

/** Errors of the client itself, thrown for a schema it cannot make sense of, have no HTTP status. */
function isOwnError(error: unknown): boolean {
  return error instanceof Error && error.constructor.name.startsWith('ConfluentSchemaRegistry');
}

function refused(cause: unknown): HeddleError {
  const text = cause instanceof Error ? cause.message.slice(0, 300) : 'no reason given';
  return new HeddleError('schema-invalid', `The registry refuses the schema: ${text}.`, { cause });
}

function unavailable(cause: unknown): HeddleError {
  if (cause instanceof HeddleError) return cause;
  return new HeddleError('registry-unavailable', 'The schema registry does not answer as it should.', {
    cause,
    retryAfterSeconds: 1,
  });
}
