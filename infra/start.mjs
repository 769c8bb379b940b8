// `npm start`: the whole mesh on this machine. `--fresh` begins with no data, `--demo` keeps changing objects.
import { bootstrap } from './src/bootstrap.mjs';

const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL } = process.env;
await bootstrap({
  entry: 'infra/dist/start.js',
  native: !KAFKA_BROKERS || !SCHEMA_REGISTRY_URL,
  // What runs, with the libraries it needs; tests and benchmarks are not needed for that.
  projects: ['infra', 'apps/gateway', 'apps/sales-order', 'apps/business-partner', 'apps/contract'],
});
