import { afterAll, vi } from 'vitest';

// Files of a worker run one after another in one process: none leaves its clock or its environment to the next.
afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});
