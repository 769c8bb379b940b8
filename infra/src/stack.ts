import { startNativeStack } from './native-stack.js';
import type { Stack } from './started-stack.js';

export interface StackOptions {
  /** Data and logs; the caller removes it. */
  dir: string;
  ports: 'free';
}

/**
 * Broker, registry and database for tests and benches: in containers where an engine answers, else natively. Those who
 * use it cannot tell. `HEDDLE_TEST_STACK=native` or `containers` decides it by hand.
 */
export async function startStack({ dir }: StackOptions): Promise<Stack> {
  const wanted = process.env['HEDDLE_TEST_STACK'] ?? 'auto';
  if (wanted === 'native') return startNativeStack(dir);
  // Loaded on demand: a container client is a large library, and most processes that import this one need none.
  const { containerEngineAnswers, startContainerStack } = await import('./container-stack.js');
  return wanted === 'containers' || (await containerEngineAnswers()) ? startContainerStack() : startNativeStack(dir);
}
