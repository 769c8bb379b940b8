import type { JsonLimits } from './json-limits.js';
import { countSchema } from './mesh-settings.js';
import { defineSettings, type SettingsOf } from './settings.js';

const milliseconds = countSchema(100, 3_600_000);

/** What whoever reaches a server may ask of it, and how slowly; every process of the mesh has the same defaults. */
export const httpLimitSettings = {
  limitBodyBytes: {
    env: 'HEDDLE_LIMIT_BODY_BYTES',
    schema: countSchema(1024, 64 * 1024 * 1024).default(1024 * 1024),
    about: 'bytes of a request body at most, packed and unpacked',
  },
  limitGzipRatio: {
    env: 'HEDDLE_LIMIT_GZIP_RATIO',
    schema: countSchema(2, 1032).default(50),
    about: 'how many times its size a gzip body may be when unpacked',
  },
  limitHeaderBytes: {
    env: 'HEDDLE_LIMIT_HEADER_BYTES',
    schema: countSchema(1024, 1024 * 1024).default(16 * 1024),
    about: 'bytes of all header fields of a request at most',
  },
  limitJsonDepth: {
    env: 'HEDDLE_LIMIT_JSON_DEPTH',
    schema: countSchema(8, 1000).default(64),
    about: 'how deep JSON may be nested',
  },
  limitJsonProperties: {
    env: 'HEDDLE_LIMIT_JSON_PROPERTIES',
    schema: countSchema(100, 1_000_000).default(10_000),
    about: 'members of all objects of a JSON body at most; of a batch, five times as many',
  },
  limitJsonNumberChars: {
    env: 'HEDDLE_LIMIT_JSON_NUMBER_CHARS',
    schema: countSchema(17, 10_000).default(64),
    about: 'characters of a number in JSON at most; in strings numbers may be as long as their type allows',
  },
  limitHeadersMs: {
    env: 'HEDDLE_LIMIT_HEADERS_MS',
    schema: milliseconds.default(10_000),
    about: 'milliseconds in which the header fields of a request have to arrive',
  },
  limitRequestMs: {
    env: 'HEDDLE_LIMIT_REQUEST_MS',
    schema: milliseconds.default(30_000),
    about: 'milliseconds in which a whole request has to arrive',
  },
  limitIdleMs: {
    env: 'HEDDLE_LIMIT_IDLE_MS',
    schema: milliseconds.default(5000),
    about: 'milliseconds that a connection may wait for its next request',
  },
  limitRequestsPerSocket: {
    env: 'HEDDLE_LIMIT_REQUESTS_PER_SOCKET',
    schema: countSchema(0, 1_000_000_000).default(100_000),
    about: 'requests on one connection before it is closed, so that clients spread anew; 0 for any number',
  },
  limitSockets: {
    env: 'HEDDLE_LIMIT_SOCKETS',
    schema: countSchema(10, 1_000_000).default(20_000),
    about: 'open connections of any kind at most; more are closed unanswered',
  },
  limitAddressSockets: {
    env: 'HEDDLE_LIMIT_ADDRESS_SOCKETS',
    schema: countSchema(1, 1_000_000).default(10_000),
    about: 'open connections of any kind from one address at most; more are closed unanswered',
  },
} as const;

/** Of whoever takes documents of business objects, or hands them on. */
export const documentLimitSettings = {
  limitDocumentBytes: {
    env: 'HEDDLE_LIMIT_DOCUMENT_BYTES',
    schema: countSchema(1024, 1024 * 1024 * 1024).default(20 * 1024 * 1024),
    about: 'bytes of a document of a business object at most',
  },
} as const;

const rules = defineSettings(httpLimitSettings);

/** The values of {@link httpLimitSettings}. */
export type HttpLimits = SettingsOf<typeof rules>;

/** The limits of whoever sets none. */
export const HTTP_LIMITS: HttpLimits = rules.read({});

/** Those of JSON. */
export function jsonLimitsOf({ limitJsonDepth, limitJsonProperties, limitJsonNumberChars }: HttpLimits): JsonLimits {
  return { depth: limitJsonDepth, properties: limitJsonProperties, numberChars: limitJsonNumberChars };
}
