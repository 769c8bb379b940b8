// `npm run fuzz`: the doors of a mesh of its own, asked by Schemathesis, and their parsers, fed with broken frames.
import { bootstrap } from './src/bootstrap.mjs';

await bootstrap({ entry: 'infra/dist/fuzz.js', native: true });
