import type { SettingRow } from '@heddle/runtime';
import { markdown } from './markdown.js';
import { path } from './tree.js';

/** One limit: what it is about, the setting or the figure, and what is said beyond it. */
interface LimitRow {
  about: string;
  limit: string;
  beyond: string;
}

interface LimitGroup {
  title: string;
  rows: LimitRow[];
}

/** What is answered beyond the limit that a setting sets; every setting of a limit has its line here. */
const BEYOND: Record<string, string> = {
  HEDDLE_LIMIT_BODY_BYTES: '413 `too-large`',
  HEDDLE_LIMIT_GZIP_RATIO: '413 `too-large`, field `content-encoding`',
  HEDDLE_LIMIT_HEADER_BYTES: '431 `headers-too-large`',
  HEDDLE_LIMIT_JSON_DEPTH: '400 `too-complex`',
  HEDDLE_LIMIT_JSON_PROPERTIES: '400 `too-complex`',
  HEDDLE_LIMIT_JSON_NUMBER_CHARS: '400 `too-complex`',
  HEDDLE_LIMIT_HEADERS_MS: '408 `request-timeout`, and the connection is closed',
  HEDDLE_LIMIT_REQUEST_MS: '408 `request-timeout`, and the connection is closed',
  HEDDLE_LIMIT_IDLE_MS: 'the connection is closed',
  HEDDLE_LIMIT_REQUESTS_PER_SOCKET: '`Connection: close` with the last answer',
  HEDDLE_LIMIT_SOCKETS: 'the connection is closed unanswered',
  HEDDLE_LIMIT_ADDRESS_SOCKETS: 'the connection is closed unanswered',
  HEDDLE_LIMIT_CLIENT_EVENTS_PER_SECOND: '429 `rate-limited`, field `client`',
  HEDDLE_LIMIT_TENANT_EVENTS_PER_SECOND: '429 `rate-limited`, field `tenant`',
  HEDDLE_LIMIT_ADDRESS_TOKENS_PER_SECOND: '429 `rate-limited`, field `address`',
  HEDDLE_LIMIT_CONNECTIONS: '429 `too-many-connections`, field `instance`',
  HEDDLE_LIMIT_ADDRESS_CONNECTIONS: '429 `too-many-connections`, field `address`',
  HEDDLE_LIMIT_TENANT_CONNECTIONS: '429 `too-many-connections`, field `tenant`',
  HEDDLE_LIMIT_CLIENT_CONNECTIONS: '429 `too-many-connections`, field `client`',
  HEDDLE_LIMIT_TENANT_QUEUES: '409 `quota-exceeded`, field `queues`',
  HEDDLE_LIMIT_TENANT_WEBHOOKS: '409 `quota-exceeded`, field `webhooks`',
  HEDDLE_LIMIT_TENANT_CLIENTS: '409 `quota-exceeded`, field `clients`',
  HEDDLE_LIMIT_MESSAGE_BYTES: 'close code 1009',
  HEDDLE_LIMIT_MESSAGE_FRAGMENTS: 'close code 1008',
  HEDDLE_LIMIT_PINGS_PER_SECOND: 'close code 4429',
  HEDDLE_LIMIT_SEND_BUFFER_BYTES: 'nothing more is written until it was read',
  HEDDLE_LIMIT_DOCUMENT_BYTES: '503 `owner-unavailable`; where documents come in, 413 `too-large`',
  HEDDLE_LIMIT_DOCUMENT_MS: 'the answer is cut off',
  HEDDLE_LIMIT_DOCUMENTS: '503 `busy`',
  HEDDLE_LIMIT_CLIENT_DOCUMENTS: '503 `busy`',
  HEDDLE_LIMIT_SLOW_MS: 'the stream is cut off, and resumes with its token; a queue is closed with 4408 `slow`',
};

/** The variables that set a limit and have no line above, and lines whose variable is gone. */
export async function unlistedLimits(): Promise<string[]> {
  const known = (await limitSettings()).map(({ env }) => env);
  return [...known.filter((env) => !(env in BEYOND)), ...Object.keys(BEYOND).filter((env) => !known.includes(env))];
}

/** The codes that the page names. */
export function namedCodes(): string[] {
  return Object.values(BEYOND).flatMap((text) => /^\d{3} `([a-z-]+)`/.exec(text)?.[1] ?? []);
}

/** `docs/reference/limits.md` */
export async function limitsPage(): Promise<string> {
  const groups = [...settable(await limitSettings()), ...(await fixed())];
  const sections = groups.map(
    ({ title, rows }) => `## ${title}

| what | at most | beyond |
| --- | --- | --- |
${rows.map(({ about, limit, beyond }) => `| ${about} | ${limit} | ${beyond} |`).join('\n')}
`,
  );
  return markdown(`# Limits

What clients may send, have and do, and what they are answered beyond it. Rates and connections are counted by each
instance of the gateway for itself; things a tenant has, by the instance that makes another. What comes to 80 % of a
rate, of connections or of things is an operation \`limit.near\` (\`GET /v1/operations\`), at most once in ten minutes for
each.

Answers carry \`RateLimit-Policy\` and \`RateLimit\` (draft-ietf-httpapi-ratelimit-headers-10) once less than half of a rate
is left; a refusal carries \`Retry-After\`, too. A client that asks for more at once than its rate holds, as with a large
batch, is let through when it has done nothing before, and waits afterwards.

Bodies of \`POST /v1/events\` may be packed as gzip. Any other encoding, and any at other routes, is refused with 415
\`encoding-unsupported\` and what is allowed in \`Accept-Encoding\`. Keys that would reach a prototype of JavaScript
(\`__proto__\`, and \`prototype\` in a \`constructor\`) are refused with 400 \`body-invalid\` everywhere.

A WebSocket that leaves a ping unanswered is cut off after two periods of 30 s. For server-sent events, which nobody
answers, a connection that is gone without a word is found by TCP, 15 minutes after the first heartbeat or event that it
does not take (\`net.ipv4.tcp_retries2\` of the kernel), or within \`HEDDLE_LIMIT_SLOW_MS\` once more waits for it than
\`HEDDLE_LIMIT_SEND_BUFFER_BYTES\`. Until then it takes no more memory than that.

This page is made from the settings and the figures in the sources (\`npm run docs\`).

${sections.join('\n')}`);
}

async function limitSettings(): Promise<SettingRow[]> {
  const { settings } = (await import(path('apps/gateway/src/settings.ts'))) as {
    settings: { describe(): SettingRow[] };
  };
  return settings.describe().filter(({ env }) => env.startsWith('HEDDLE_LIMIT_'));
}

function settable(settings: readonly SettingRow[]): LimitGroup[] {
  const rows = settings.map(({ env, about, fallback }) => ({
    about,
    limit: `\`${env}\`: ${fallback}`,
    beyond: BEYOND[env] ?? '',
  }));
  return [{ title: 'Of whoever reaches a gateway', rows }];
}

/** What every process of a mesh has to agree on cannot be set: see decision 17. */
async function fixed(): Promise<LimitGroup[]> {
  const load = async <T>(file: string): Promise<T> => (await import(path(file))) as T;
  const { ATTRIBUTE_LIMITS: attribute } = await load<{ ATTRIBUTE_LIMITS: Figures }>('libs/event/src/event.ts');
  const { SCHEMA_LIMITS: schema } = await load<{ SCHEMA_LIMITS: Figures }>('libs/schema/src/avro-schema.ts');
  const { AVRO_LIMITS: avro } = await load<{ AVRO_LIMITS: Figures }>('libs/schema/src/byte-walker.ts');
  const { CEL_LIMITS: cel } = await load<{ CEL_LIMITS: Figures }>('apps/gateway/src/filters/cel-expression.ts');
  const { CEL_STEPS } = await load<{ CEL_STEPS: number }>('apps/gateway/src/filters/cel-meter.ts');
  const { FILTER_LIMITS: filter } = await load<{ FILTER_LIMITS: Figures }>('apps/gateway/src/filters/filters.ts');
  const { ADDRESS_LIMITS: address } = await load<{ ADDRESS_LIMITS: Record<'topic' | 'queue', Figures> }>(
    'libs/event/src/address.ts',
  );
  const { MAX_MESSAGE_BYTES } = await load<{ MAX_MESSAGE_BYTES: number }>(
    'apps/gateway/src/messages/incoming-message.ts',
  );
  const row = (about: string, limit: number | undefined, beyond: string): LimitRow => ({
    about,
    limit: String(limit),
    beyond,
  });
  const data = '422 `data-invalid`; in the log, set aside';
  const refused = '422 `schema-invalid`';
  const filtered = '422 `filter-invalid`';
  return [
    {
      title: 'Of what travels: the same everywhere',
      rows: [
        row('bytes of one attribute', attribute.valueBytes, '400 `attribute-invalid`, and its name'),
        row('extension attributes of an event', attribute.extensions, '400 `attribute-invalid`, and its name'),
        row(
          'bytes of all attributes together, but for `amqpproperties`, which count as data',
          attribute.totalBytes,
          '400 `attribute-invalid`, and its name',
        ),
        row(
          'bytes of a message to a topic or a queue, or of the data of an event as Avro',
          MAX_MESSAGE_BYTES,
          '413 `too-large`',
        ),
        row('characters of a topic', address.topic.characters, '400 `parameter-invalid`, and the rule'),
        row(
          'segments of a topic, which has two at least',
          address.topic.segments,
          '400 `parameter-invalid`, and the rule',
        ),
        row('characters of the name of a queue', address.queue.characters, '400 `parameter-invalid`, and the rule'),
        row('items of all arrays and maps of one value in Avro, and no more than its bytes can hold', avro.items, data),
        row('fields and items of one value in Avro', avro.values, data),
        row('nesting of a value in Avro', avro.depth, data),
        row('bytes of a schema', schema.bytes, refused),
        row('nesting of a schema', schema.depth, refused),
        row('names that a schema defines', schema.names, refused),
        row('fields of a schema with every reference written out', schema.unrolledFields, refused),
        row('items of an array that take no bytes', 0, refused),
      ],
    },
    {
      title: 'Of filters',
      rows: [
        row('filters of a queue', filter.list, filtered),
        row('expressions in them', filter.expressions, filtered),
        row('CEL expressions in them', filter.cel, filtered),
        row('nesting of filters', filter.depth, filtered),
        row('characters of a CEL expression', cel.length, filtered),
        row('nodes of a CEL expression', cel.nodes, filtered),
        row('nesting of a CEL expression', cel.depth, filtered),
        row('entries of a list or map written in CEL', cel.list, filtered),
        row('steps of CEL for one event', CEL_STEPS, 'the event does not match; `heddle_filter_errors_total`'),
      ],
    },
  ];
}

type Figures = Readonly<Record<string, number>>;
