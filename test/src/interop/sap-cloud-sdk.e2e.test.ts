import { afterAll, beforeAll, expect, test } from 'vitest';
import { call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { freshKey } from '../support/orders.js';
import { runProgram, sapCloudSdk } from './programs.js';

let mesh: Mesh;

beforeAll(async () => {
  mesh = await sharedMesh();
});

afterAll(() => mesh.stop());

test('a client that the SDK of S/4HANA generates from $metadata fetches, changes and batches at the gateway', async ({
  skip,
}) => {
  if (sapCloudSdk.missing !== undefined) return skip(`${sapCloudSdk.missing} is here.`);
  const program = await sapCloudSdk
    .build()
    .catch((error: unknown) => skip(`The SDK cannot be had: ${String(error).slice(0, 300)}`));
  const key = freshKey();
  const person = { BusinessPartnerCategory: '1', FirstName: 'Ada', LastName: 'Byron', BirthDate: '1815-12-10' };
  const to_BusinessPartnerAddress = [
    { CityName: 'London', to_PhoneNumber: [{ PhoneNumber: '1' }, { PhoneNumber: '2' }] },
    { CityName: 'Ockham' },
  ];
  const made = await call('POST', `${mesh.url('business-partner')}/business-partners`, {
    body: { BusinessPartner: key, ...person, to_BusinessPartnerAddress },
  });
  expect(made.status, made.text).toBe(201);
  const env = { TOKEN: await mesh.token() };
  const done = await runProgram<{ what: string }>(program, [mesh.url('gateway'), key, '1'], { env });
  expect(done).toEqual([
    {
      what: 'fetched',
      name: 'Ada Byron',
      born: '1815-12-10T00:00:00.000Z',
      etag: 'W/"1"',
      addresses: [['London', '1', '2'], ['Ockham']],
    },
    { what: 'created', name: `Of ${key}`, etag: 'W/"1"' },
    { what: 'updated', etag: 'W/"2"' },
    { what: 'refused', status: 412 },
    { what: 'created below', id: '1', city: 'Ghent' },
    { what: 'found', names: [`Of ${key}`] },
    { what: 'counted', count: 1 },
    { what: 'batched', created: 'In a batch', read: key },
  ]);
}, 300_000);
