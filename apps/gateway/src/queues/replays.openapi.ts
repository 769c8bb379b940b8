import type { RouteDoc } from '@heddle/runtime';
import { z } from 'zod';
import { namePage, nextField } from '../management/name-page.js';
import { PARAMS } from '../parameters.openapi.js';
import { replayCountShape, replayRequestShape, replayShape } from './replay.shape.js';

const KNOWN = ['parameter-invalid', 'not-found', 'queue-elsewhere'] as const;

/** Every operation on replays, as the OpenAPI document shows it. */
export const replayRoutes: readonly RouteDoc[] = [
  {
    method: 'POST',
    path: '/v1/queues/{name}/replay',
    summary: 'Deliver stored events again, beside the live ones; 202 when it is stored, 200 for a dry run',
    params: PARAMS.name,
    body: replayRequestShape,
    status: 202,
    also: { 200: 'same' },
    response: z.union([replayShape, replayCountShape]),
    responseHeaders: { Location: 'where its progress is' },
    errors: [
      ...KNOWN,
      'body-invalid',
      'data-invalid',
      'attribute-invalid',
      'filter-invalid',
      'conflict',
      'log-unavailable',
    ],
  },
  {
    method: 'GET',
    path: '/v1/queues/{name}/replays',
    summary: 'The replays of a queue that run, and the last that ended; the newest first',
    params: PARAMS.name,
    query: namePage,
    status: 200,
    response: z.object({ replays: z.array(replayShape), ...nextField }),
    errors: [...KNOWN, 'data-invalid'],
  },
  {
    method: 'GET',
    path: '/v1/queues/{name}/replays/{id}',
    summary: 'A replay: its progress while it runs, and what it came to',
    params: PARAMS.name,
    status: 200,
    response: replayShape,
    errors: KNOWN,
  },
  {
    method: 'POST',
    path: '/v1/queues/{name}/replays/{id}/stop',
    summary: 'Lease nothing more of a replay; what is leased may be settled, the rest is forgotten',
    params: PARAMS.name,
    status: 200,
    response: replayShape,
    errors: [...KNOWN, 'log-unavailable'],
  },
];
