import { LaunchError, fetchSchemathesis, fuzzDoors } from '@heddle/infra';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Mesh } from '../support/mesh.js';

/** The same requests each time; `npm run fuzz` makes others, and many more. */
const SEED = 1;

let mesh: Mesh;

beforeAll(async () => {
  mesh = await Mesh.start({ ground: inject('stack') });
});

afterAll(() => mesh.stop());

test('what the gateway answers is what its OpenAPI document says, to good requests and to bad ones', async ({
  skip,
}) => {
  const program = await fetchSchemathesis().catch((error: unknown) => {
    if (!(error instanceof LaunchError)) throw error;
    return skip((error as Error).message);
  });
  if (program === undefined) return skip('Schemathesis needs Python 3.10 with venv and pip, which is not here.');
  const report = await fuzzDoors({
    program,
    url: mesh.url('gateway'),
    token: await mesh.token(),
    seed: SEED,
    examples: 5,
    phases: 'fuzzing,stateful',
  });
  expect(report.passed, report.output).toBe(true);
  expect(report.requests).toBeGreaterThan(200);
}, 300_000);
