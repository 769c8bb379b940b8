// `npm test`: every check and every test, on ports and data of their own.
import { bootstrap } from './src/bootstrap.mjs';

await bootstrap({ entry: 'infra/dist/test.js', native: true });
