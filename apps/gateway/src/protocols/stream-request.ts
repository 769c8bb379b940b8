import type { Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { z } from 'zod';
import { parseToken } from '../streams/resume-token.js';
import type { StreamStart } from '../streams/stream.js';
import { type WantedTypes, wantedTypes } from '../streams/wanted-types.js';
import { refuseTokenInUrl } from './url-token.js';

/** What `GET /v1/stream` understands in its query, as SSE and as WebSocket. */
export const streamQuery = z.object({
  types: z
    .string()
    .optional()
    .describe(
      'event types, separated by commas, exact or with a trailing *; all that the client may consume when left out',
    ),
  start: z
    .string()
    .optional()
    .describe(
      'where to begin without a token: now (when left out), earliest, a time (what the log took at or after it), or places as contract/3@120, separated by commas, what they do not name beginning now',
    ),
  resume: z.string().optional().describe('the token of the last event received; what came after it follows'),
  ticket: z
    .string()
    .optional()
    .describe('instead of an authorization header, which pages cannot send; used up by this'),
});

export interface StreamWish extends WantedTypes {
  caller: Caller;
  start: StreamStart;
}

const PARAMETERS = new Set(Object.keys(streamQuery.shape));
const MAX_PATTERNS = 100;
const MAX_PLACES = 100;
/** RFC 3339, and no more than that: what else a date is read from differs from one reader to the next. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;
const PLACE = /^([A-Za-z0-9_-]{1,201})\/(\d{1,6})@(\d{1,15})$/;

/**
 * Reads what somebody asks a stream to carry. `lastEventId` stands before `resume`: it is what a client sends by itself
 * when it reconnects to the URL it began with.
 *
 * @throws HeddleError `parameter-invalid`, `permission-missing`
 */
export function streamWish(caller: Caller, query: URLSearchParams, lastEventId?: string): StreamWish {
  refuseTokenInUrl(query);
  for (const name of query.keys()) {
    if (PARAMETERS.has(name)) continue;
    throw new HeddleError('parameter-invalid', `There is no parameter ${name}: use types, start or resume.`, {
      field: name,
    });
  }
  const patterns = query
    .getAll('types')
    .flatMap((text) => text.split(','))
    .map((text) => text.trim());
  if (patterns.length > MAX_PATTERNS) {
    throw new HeddleError('parameter-invalid', `At most ${MAX_PATTERNS} types can be named.`, { field: 'types' });
  }
  const start = startOf(caller.tenant, query, lastEventId);
  return { caller, ...wantedTypes(caller, patterns), start };
}

function startOf(tenant: string, query: URLSearchParams, lastEventId: string | undefined): StreamStart {
  const token = lastEventId ?? query.get('resume') ?? undefined;
  if (token !== undefined && token !== '') {
    parseToken(tenant, token);
    return { token };
  }
  const start = query.get('start') ?? 'now';
  if (start === 'now' || start === 'earliest') return start;
  if (INSTANT.test(start) && !Number.isNaN(Date.parse(start))) return { time: Date.parse(start) };
  const places = start.split(',').map((text) => PLACE.exec(text));
  if (places.length > MAX_PLACES || places.includes(null)) {
    throw new HeddleError(
      'parameter-invalid',
      `start must be now, earliest, a time as 2026-01-31T12:00:00Z, or up to ${MAX_PLACES} places as contract/3@120.`,
      { field: 'start' },
    );
  }
  return {
    places: places.map((parts) => ({
      topic: parts?.[1] ?? '',
      partition: Number(parts?.[2]),
      offset: Number(parts?.[3]),
    })),
  };
}
