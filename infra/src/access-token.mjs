import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ADMINISTRATOR, secretFile } from './clients.mjs';

/** Where `npm start` keeps secrets, unless told otherwise; relative to the checkout. */
export const SECRETS = '.heddle/secrets';

/**
 * Where the gateway of `npm start` is: GATEWAY_URL, or this machine at the port that `npm start` was told.
 *
 * @param {Record<string, string | undefined>} environment
 */
export function gatewayUrl({ GATEWAY_URL: url, GATEWAY_PORT: port }) {
  return url ?? `http://127.0.0.1:${port ?? 8080}`;
}

/**
 * An access token of the gateway, good for an hour, for a client by its secret (OAuth 2.0 client credentials, RFC 6749
 * §4.4). The environment says which: GATEWAY_URL, HEDDLE_CLIENT_ID, and HEDDLE_CLIENT_SECRET or HEDDLE_CLIENT_SECRET_FILE;
 * the administrator of `npm start` where it says nothing, whose folder and port are those that `npm start` was told, too
 * (HEDDLE_DATA, GATEWAY_PORT).
 *
 * @param {Record<string, string | undefined>} environment
 * @returns {Promise<string>}
 */
export async function accessToken(environment) {
  const {
    HEDDLE_DATA: data,
    HEDDLE_CLIENT_ID: client = ADMINISTRATOR,
    HEDDLE_CLIENT_SECRET_FILE: file = secretFile(data === undefined ? SECRETS : join(data, 'secrets'), client),
    HEDDLE_CLIENT_SECRET: secret = secretIn(file),
  } = environment;
  const gateway = gatewayUrl(environment);
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

/** @param {string} file */
function secretIn(file) {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    const advice = 'be in the folder of npm start, or name the file in HEDDLE_CLIENT_SECRET_FILE';
    throw new Error(`there is no secret in ${file}: ${advice}`, { cause });
  }
}
