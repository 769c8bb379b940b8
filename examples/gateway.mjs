// Which gateway the examples ask, and as whom: what `npm start` prints, or a service key.
import { readFileSync } from 'node:fs';
import { ClientTokens, fromServiceKey } from '@heddle/client';

const {
  GATEWAY_URL: url = 'http://127.0.0.1:8080',
  HEDDLE_SERVICE_KEY_FILE: keyFile,
  HEDDLE_CLIENT_ID: clientId,
  HEDDLE_CLIENT_SECRET_FILE: secretFile,
  HEDDLE_TOKEN: token = '',
} = process.env;

export const gateway =
  keyFile === undefined ? { url, token: clientTokens() } : fromServiceKey(readFileSync(keyFile, 'utf8'));

function clientTokens() {
  if (clientId === undefined) return token;
  const { HEDDLE_CLIENT_SECRET: clientSecret = readFileSync(secretFile, 'utf8').trim() } = process.env;
  return new ClientTokens({ tokenUrl: `${url}/oauth/token`, clientId, clientSecret });
}
