import { MESH_APPS } from '@heddle/infra';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';

interface OpenApi {
  openapi: string;
  info: { title: string };
  paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
}

const PARAMETER = /\{\w+\}/g;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

let mesh: Mesh;

beforeAll(async () => {
  mesh = await sharedMesh();
});

afterAll(() => mesh.stop());

describe.each(MESH_APPS)('the OpenAPI document of %s', (app) => {
  test('names exactly the operations that are answered at its paths, and describes what each may answer', async () => {
    const base = mesh.url(app);
    const document = (await call('GET', `${base}/openapi.json`)).json as OpenApi;
    expect(document.openapi).toMatch(/^3\.1/);
    expect(Object.keys(document.paths).length).toBeGreaterThan(1);
    for (const path of Object.keys(document.paths)) {
      const place = path.replaceAll(PARAMETER, 'unheard-of');
      const operationOf = (method: string) => document.paths[path]?.[method.toLowerCase()];
      const documented = METHODS.filter((method) => operationOf(method) !== undefined);
      const answered: string[] = [];
      for (const method of METHODS) {
        // A parameter nobody knows: streams refuse it, which keeps them from staying open; others pass over it.
        const answer = await call(method, `${base}${place}?unheard-of=1`);
        if (!isNoRoute(answer.json)) answered.push(method);
        else continue;
        const statuses = Object.keys(operationOf(method)?.responses ?? {});
        expect(statuses, `${method} ${path}: ${answer.text}`).toContain(String(answer.status));
      }
      expect(answered, path).toEqual(documented);
    }
  });
});

test('a path that is nothing is a problem with its code, everywhere', async () => {
  for (const app of MESH_APPS) {
    const answer = await call('GET', `${mesh.url(app)}/nothing-here`);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.json).toMatchObject({ status: 404, code: 'not-found' });
    expect(isNoRoute(answer.json)).toBe(true);
  }
});

/** Whether an answer says that there is no such operation, rather than no such thing: no path, or not this method. */
function isNoRoute(json: unknown): boolean {
  // At the doors of SAP Event Mesh what a problem has as its detail is the message.
  const {
    code,
    message,
    detail = message ?? '',
  } = (json ?? {}) as { code?: string; detail?: string; message?: string };
  return code === 'method-unsupported' || (code === 'not-found' && /^(Cannot|Route|Nothing is answered)/.test(detail));
}
