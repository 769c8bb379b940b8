import { readFileSync } from 'node:fs';
import { ADMINISTRATOR, secretFile } from './clients.mjs';

/** Where `npm start` keeps secrets, unless told otherwise; relative to the checkout. */
export const SECRETS = '.heddle/secrets';

/**
 * An access token of the gateway, good for an hour, for a client by its secret (OAuth 2.0 client credentials, RFC 6749
 * §4.4). The environment says which: GATEWAY_URL, HEDDLE_CLIENT_ID, and HEDDLE_CLIENT_SECRET or HEDDLE_CLIENT_SECRET_FILE;
 * the administrator of `npm start` where it says nothing.
 *
 * @param {Record<string, string | undefined>} environment
 * @returns {Promise<string>}
 */
export async function accessToken(environment) {
  const {
    GATEWAY_URL: gateway = 'http://127.0.0.1:8080',
    HEDDLE_CLIENT_ID: client = ADMINISTRATOR,
    HEDDLE_CLIENT_SECRET_FILE: file = secretFile(SECRETS, client),
    HEDDLE_CLIENT_SECRET: secret = readFileSync(file, 'utf8').trim(),
  } = environment;
  const answer = await fetch(`${gateway}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${client}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
    signal: AbortSignal.timeout(10_000),
  });
  const body = await answer.text();
  if (!answer.ok) throw new Error(`${gateway}/oauth/token answered ${client} with ${answer.status}: ${body}`);
  return JSON.parse(body).access_token;
}
