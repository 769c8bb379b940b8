import type { RouteDoc } from '@heddle/runtime';
import { z } from 'zod';
import { ODATA_PATH } from './model.js';

const errorShape = z.object({
  error: z.object({
    code: z.string(),
    message: z.object({ lang: z.string(), value: z.string() }),
    innererror: z.object({
      retryable: z.boolean(),
      errordetails: z.array(
        z.object({ code: z.string(), message: z.string(), propertyref: z.string(), severity: z.string() }),
      ),
    }),
  }),
});

const xml = z.string();

/**
 * An OData service in an OpenAPI document: where it begins. What is below is described by its `$metadata`.
 *
 * @param services names of services; several where the name is a parameter of the path, `{service}`
 */
export function odataRoute(...services: [string, ...string[]]): RouteDoc {
  const [service] = services;
  const isOne = services.length === 1;
  const described = services.map((name) => `${ODATA_PATH}/${name}/$metadata`).join(' and ');
  return {
    method: 'GET',
    path: `${ODATA_PATH}/${isOne ? service : '{service}'}`,
    summary: `OData V2: the entity sets of a service; what they are, and what may be done with them, says ${described}`,
    ...(isOne ? {} : { params: { service: z.enum(services) } }),
    headers: { 'X-CSRF-Token': '`Fetch` to be answered with the token that changes have to show' },
    status: 200,
    response: {
      'application/atomsvc+xml': xml,
      'application/json': z.object({ d: z.object({ EntitySets: z.array(z.string()) }) }),
    },
    responseHeaders: { 'X-CSRF-Token': 'where it was asked for' },
    errors: [],
    refusals: {
      statuses: [400, 401, 403, 404, 503],
      shape: { 'application/xml': xml, 'application/json': errorShape },
    },
  };
}
