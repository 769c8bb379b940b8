import { startNativeStack } from './native-stack.js';

/** What the mesh stands on, running. */
export interface Stack {
  kafkaBrokers: string[];
  registryUrl: string;
  databaseUrl: string;
  /** The broker, to be stopped, killed and started again over the same data and port. */
  broker: StackBroker;
  stop(): Promise<void>;
}

export interface StackBroker {
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Starts it again; resolves once it accepts connections. */
  start(): Promise<void>;
}

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
