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
