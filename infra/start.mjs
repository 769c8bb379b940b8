// `npm start`: the whole mesh on this machine. `--fresh` begins with no data, `--demo` keeps changing objects.
import { bootstrap } from './src/bootstrap.mjs';

const FLAGS = ['--fresh', '--demo'];
// Said at once, and not after minutes of installing.
const unknown = process.argv.slice(2).find((flag) => !FLAGS.includes(flag));
if (unknown !== undefined) {
  console.error(`✖ npm start has no ${unknown}: there are ${FLAGS.join(' and ')} (npm start -- --fresh).`);
  process.exit(2);
}

const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL } = process.env;
await bootstrap({
  entry: 'infra/dist/start.js',
  native: !KAFKA_BROKERS || !SCHEMA_REGISTRY_URL,
  // What runs, with the libraries it needs; tests and benchmarks are not needed for that.
  projects: ['infra', 'apps/cli', 'apps/gateway', 'apps/sales-order', 'apps/business-partner', 'apps/contract'],
});
