import { type Gateway, GatewayHttp } from './gateway-http.js';

const TIMEOUT_MS = 10_000;

/**
 * Gets a ticket for a page, which can send no token when it opens a WebSocket: for one connection, within 45 s. To be
 * called where the token is, which is a server of yours as a rule, for each connection anew.
 *
 * @param path `/v1/stream` or `/v1/queues/{name}/connect`
 * @throws Refusal
 */
export async function requestTicket(gateway: Gateway, path = '/v1/stream'): Promise<string> {
  const asking = { body: { path }, timeoutMs: TIMEOUT_MS };
  const { ticket } = await new GatewayHttp(gateway).askJson<{ ticket: string }>('/v1/tickets', asking);
  return ticket;
}
