import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { givenStack } from './test/src/support/given-stack.js';
import { LongestFirst } from './test/src/support/longest-first.js';

const shared = {
  environment: 'node',
  // Sources, not builds: a test never runs against a stale library.
  pool: 'forks' as const,
  // A worker goes on with the next file: most of what a new one does is to load the same modules again.
  isolate: false,
  // As our processes have it: kafkajs arms timers with the time left of what is already late.
  execArgv: ['--disable-warning=TimeoutNegativeWarning'],
};

/** Much of the time of tests is waiting: for sessions that end, for tokens, for retry schedules. */
const MORE_THAN_PROCESSORS = Math.ceil(availableParallelism() * 1.5);

export default defineConfig({
  resolve: { conditions: ['source', 'node'] },
  ssr: { resolve: { conditions: ['source', 'node'] } },
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          ...shared,
          name: 'unit',
          setupFiles: ['test/src/support/tidy.setup.ts'],
          maxWorkers: MORE_THAN_PROCESSORS,
          testTimeout: 20_000,
          include: ['{apps,libs,infra,test,bench,schemas}/**/*.test.ts'],
          exclude: [
            '**/*.broker.test.ts',
            '**/*.e2e.test.ts',
            '**/*.crash.test.ts',
            '**/node_modules/**',
            '**/dist/**',
          ],
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          name: 'broker',
          include: ['{apps,libs,infra,test}/**/*.broker.test.ts', 'test/**/*.e2e.test.ts', 'test/**/*.crash.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          globalSetup: ['test/src/support/stack.setup.ts'],
          setupFiles: ['test/src/support/own-stack.setup.ts', 'test/src/support/tidy.setup.ts'],
          // Each worker has a broker, registry and database of its own, and keeps a processor busy with them.
          maxWorkers: givenStack() === undefined ? Math.min(4, availableParallelism()) : 1,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
