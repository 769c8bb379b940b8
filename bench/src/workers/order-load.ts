import { createOrder, createPartner } from '@heddle/infra';
import { Pool } from 'undici';
import { nowMicros } from '../latencies.js';
import { paced } from '../pace.js';
import { answer } from './answer.js';

export interface Orders {
  perSecond: number;
  seconds: number;
}

/** Microseconds at which the creation of each order was sent and answered, by key. */
export type Created = Record<string, { sent: number; answered: number }>;

export type OrderLoad = {
  /** Resolves when an order for the partner it makes can be created. */
  prepare(mesh: { partners: string; orders: string; authorization: string }): Promise<void>;
  /** Resolves when all are answered; those that were refused are an error. */
  create(orders: Orders): Promise<Created>;
};

const PARTNER = '1000667';
const CONNECTIONS = 32;
const PATIENCE_MS = 20_000;
let pool: Pool | undefined;
let authorization = '';
let nextOrder = 1_000_000;

async function prepare(mesh: Parameters<OrderLoad['prepare']>[0]): Promise<void> {
  const { partners, orders } = mesh;
  authorization = mesh.authorization;
  const partnerPool = new Pool(partners);
  await post(partnerPool, '/business-partners', createPartner(PARTNER));
  await partnerPool.close();
  pool = new Pool(orders, { connections: CONNECTIONS });
  // The service hears of the partner by its event; until then it answers 409.
  const deadline = performance.now() + PATIENCE_MS;
  while ((await post(pool, '/sales-orders', createOrder(String(nextOrder++), PARTNER))) === 409) {
    if (performance.now() > deadline) throw new Error('The partner did not become known to sales-order.');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function create({ perSecond, seconds }: Orders): Promise<Created> {
  const created: Created = {};
  const refused: number[] = [];
  const work: Promise<void>[] = [];
  await paced(perSecond, seconds, () => work.push(createOne(created, refused)));
  await Promise.all(work);
  if (refused.length > 0) throw new Error(`${refused.length} orders were refused, the first with ${refused[0]}.`);
  return created;
}

async function createOne(created: Created, refused: number[]): Promise<void> {
  if (pool === undefined) throw new Error('Not prepared.');
  const key = String(nextOrder++);
  const sent = nowMicros();
  const status = await post(pool, '/sales-orders', createOrder(key, PARTNER));
  if (status === 201) created[key] = { sent, answered: nowMicros() };
  else refused.push(status);
}

async function post(to: Pool, path: string, body: object): Promise<number> {
  const headers = { 'content-type': 'application/json', authorization };
  const { statusCode, body: text } = await to.request({ method: 'POST', path, headers, body: JSON.stringify(body) });
  await text.dump();
  return statusCode;
}

answer({ prepare, create } satisfies OrderLoad, () => pool?.destroy());
