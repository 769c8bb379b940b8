import type { CLIENT_FRAMES, SERVER_FRAMES } from './queue-frame.shape.js';

type Kind = keyof typeof CLIENT_FRAMES | keyof typeof SERVER_FRAMES;

const FIRST = 'AZq7xX2gdYuMPdrM0aXhdw.2s.1a';
const SECOND = 'AZq7xX2gdYuMPdrM0aXhdw.2s.1b';
const TOKEN = 'eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl';
const CONNECTION = '0f3a3f4e-6d3b-4c4e-9a53-0d8c5f4f6a10';

/** An example of each frame of `heddle.v1`, as the documents show it; tests read them as real frames are read. */
export const FRAME_EXAMPLES: Record<Kind, object> = {
  hello: { kind: 'hello', leaseMs: 30_000, batch: 100, resume: { connection: CONNECTION, leases: [FIRST] } },
  credit: { kind: 'credit', add: 500 },
  settle: {
    kind: 'settle',
    id: 's-1',
    settlements: [
      { lease: FIRST, action: 'accept' },
      { lease: SECOND, action: 'release', delayMs: 5000, reason: 'the warehouse does not answer' },
    ],
  },
  authenticate: { kind: 'authenticate', id: 'a-1', token: TOKEN },
  ready: {
    kind: 'ready',
    queue: 'orders',
    connection: '9b1e6a52-70f3-4bb7-8f6e-f2f5f3f0a3c1',
    epoch: 100,
    leaseMs: 30_000,
    resumed: { held: [{ lease: FIRST, expiresAt: '2026-03-02T10:15:30.000Z' }], lost: [], returned: 1 },
  },
  deliveries: {
    kind: 'deliveries',
    deliveries: [
      {
        lease: SECOND,
        expiresAt: '2026-03-02T10:15:31.250Z',
        attempt: 1,
        redelivery: 'no',
        event: {
          specversion: '1.0',
          id: '019caf2f-8b42-7c31-a3d7-2f1f6c0e9d54',
          source: '/sales-order',
          type: 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1',
          subject: '4711',
          time: '2026-03-02T10:15:01.120Z',
          partitionkey: '4711',
          sequence: '000000000001',
          dataref: 'http://127.0.0.1:8080/v1/objects/sales-order/4711?version=1',
          datacontenttype: 'application/json',
          dataschema: 'http://127.0.0.1:8080/v1/schemas/7',
          data: { SalesOrder: '4711' },
        },
      },
    ],
  },
  settled: {
    kind: 'settled',
    id: 's-1',
    results: [
      { lease: FIRST, state: 'accepted' },
      { lease: SECOND, state: 'released', dueAt: '2026-03-02T10:15:07.000Z' },
    ],
  },
  authenticated: { kind: 'authenticated', id: 'a-1', expiresAt: '2026-03-02T11:15:00.000Z' },
  problem: {
    kind: 'problem',
    id: 's-2',
    type: '/problems/frame-invalid',
    title: 'A frame breaks a rule of its protocol',
    status: 400,
    detail: 'settlements.0.delay is not known here; did you mean delayMs?',
    code: 'frame-invalid',
    retryable: false,
    field: 'settlements.0.delay',
    errors: [{ field: 'settlements.0.delay', rule: 'is not known here; did you mean delayMs?' }],
  },
  closing: { kind: 'closing', reason: 'moved' },
};
