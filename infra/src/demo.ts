import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ClientTokens } from '@heddle/auth';
import { ADMINISTRATOR, secretFile } from './clients.mjs';
import { urlOf, type MeshPorts } from './mesh-apps.js';
import { createOrder, createPartner } from './sample-objects.js';

const PAUSE_MS = 3000;
/** Orders that are changed in turn; a new one takes the place of the oldest, so that the demo works on a bounded set. */
const LIVE_ORDERS = 20;
const NAMES = ['Alder & Birch Ltd', 'Cedar Trading', 'Dogwood Supply', 'Elm Street Foods', 'Fir & Sons', 'Hazel Works'];

/** Changes partners and orders over REST every few seconds, for as long as the process lives, and says so in a line each. */
export async function runDemo(ports: MeshPorts, secrets: string, say: (text: string) => void): Promise<void> {
  const tokens = new ClientTokens({
    tokenUrl: `${urlOf('gateway', ports)}/oauth/token`,
    clientId: ADMINISTRATOR,
    clientSecret: readFileSync(secretFile(secrets, ADMINISTRATOR), 'utf8').trim(),
  });
  const partners = urlOf('business-partner', ports);
  const orders = urlOf('sales-order', ports);
  const partnerKeys = NAMES.map((_, index) => String(10_100_001 + index));
  for (const [index, key] of partnerKeys.entries()) {
    // 409: an earlier demo made it.
    await request('POST', `${partners}/business-partners`, createPartner(key, NAMES[index]));
  }
  const live: string[] = [];
  for (let round = 0; ; round += 1) {
    await delay(PAUSE_MS);
    try {
      say(`  demo: ${round % 2 === 0 ? await create() : await change(round)}`);
    } catch (error) {
      say(`  demo: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async function create(): Promise<string> {
    const key = String(Date.now()).slice(-9);
    const partner = partnerKeys[Math.floor(Math.random() * partnerKeys.length)] ?? '';
    const { status } = await request('POST', `${orders}/sales-orders`, createOrder(key, partner));
    if (status === 201) live.push(key);
    if (live.length > LIVE_ORDERS) live.shift();
    return status === 201
      ? `created sales order ${key} for partner ${partner}`
      : `sales order ${key} was answered ${status}`;
  }

  async function change(round: number): Promise<string> {
    const key = live[Math.floor(Math.random() * live.length)];
    if (key === undefined) return 'no sales order to change yet';
    const url = `${orders}/sales-orders/${key}`;
    const { etag } = await request('GET', url);
    const item = { RequestedQuantity: String(1 + (round % 50)) };
    const { status } = await request('PATCH', `${url}/items/10`, item, { 'if-match': etag });
    return `changed sales order ${key}, quantity ${item.RequestedQuantity} (${status})`;
  }

  async function request(
    method: string,
    url: string,
    body?: object,
    given: Record<string, string> = {},
  ): Promise<{ status: number; etag: string }> {
    const headers = { authorization: await tokens.header(), ...given };
    const answer = await fetch(url, {
      method,
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    await answer.arrayBuffer();
    return { status: answer.status, etag: answer.headers.get('etag') ?? '' };
  }
}
