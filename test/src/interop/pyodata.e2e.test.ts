import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { call } from '../support/http-call.js';
import { Mesh } from '../support/mesh.js';
import { Orders, freshKey } from '../support/orders.js';
import { pyodata, runProgram } from './programs.js';

let mesh: Mesh;

beforeAll(async () => {
  mesh = await Mesh.start({ ground: inject('stack'), apps: ['gateway', 'business-partner', 'sales-order'] });
});

afterAll(() => mesh.stop());

test('a client in Python that knows only $metadata fetches, lists, changes and batches orders at the gateway', async ({
  skip,
}) => {
  if (pyodata.missing !== undefined) return skip(`${pyodata.missing} is here.`);
  const program = await pyodata
    .build()
    .catch((error: unknown) => skip(`The client cannot be had: ${String(error).slice(0, 300)}`));
  const orders = new Orders(mesh.url('business-partner'), mesh.url('sales-order'));
  const key = freshKey();
  await orders.create(key, await orders.knownPartner());
  const { json } = await call('GET', `${mesh.url('sales-order')}/sales-orders/${key}`);
  const { CreationDate, to_Item } = json as { CreationDate: string; to_Item: { NetAmount: string }[] };
  const env = { TOKEN: await mesh.token() };
  const done = await runProgram<{ what: string }>(program, [mesh.url('gateway'), key], { env });
  expect(done).toEqual([
    { what: 'described', sets: [8, 9], functions: ['rejectApprovalRequest', 'releaseApprovalRequest'] },
    {
      what: 'fetched',
      order: key,
      day: `${CreationDate}T00:00:00+00:00`,
      etag: 'W/"1"',
      items: ['10'],
      partners: ['BP', 'PY', 'SH', 'SP'],
    },
    { what: 'navigated', amounts: to_Item.map(({ NetAmount }) => String(Number(NetAmount))) },
    { what: 'listed', total: 1, orders: [key] },
    { what: 'counted', count: 1 },
    { what: 'refused', status: 403, token: 'Required' },
    { what: 'late', status: 412, why: 'precondition-failed' },
    { what: 'created', item: '20' },
    { what: 'batched', reference: 'PO-3' },
    { what: 'deleted', items: ['10'] },
  ]);
}, 300_000);
