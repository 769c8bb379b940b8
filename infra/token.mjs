// Prints an access token: export HEDDLE_TOKEN=$(node infra/token.mjs)
// Of whom, the environment says: GATEWAY_URL, HEDDLE_CLIENT_ID, HEDDLE_CLIENT_SECRET or HEDDLE_CLIENT_SECRET_FILE.
import { accessToken } from './src/access-token.mjs';

try {
  console.log(await accessToken(process.env));
} catch (error) {
  const { message, cause } = /** @type {Error} */ (error);
  console.error(`✖ no token: ${message}${cause instanceof Error ? ` (${cause.message})` : ''}`);
  process.exitCode = 1;
}
