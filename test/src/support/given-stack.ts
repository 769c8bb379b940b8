interface GivenStack {
  kafkaBrokers: string[];
  registryUrl: string;
  databaseUrl: string;
}

/** What `KAFKA_BROKERS`, `SCHEMA_REGISTRY_URL` and `DATABASE_URL` point at, when all three are set: it is used as it is. */
export function givenStack(): GivenStack | undefined {
  const { KAFKA_BROKERS: brokers, SCHEMA_REGISTRY_URL: registryUrl, DATABASE_URL: databaseUrl } = process.env;
  if (!brokers || !registryUrl || !databaseUrl) return undefined;
  return { kafkaBrokers: brokers.split(','), registryUrl, databaseUrl };
}
