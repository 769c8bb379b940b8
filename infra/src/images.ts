import { VERSIONS } from './checkout.mjs';

/** The images, by the one list of versions. */
export const IMAGES = {
  kafka: `apache/kafka:${VERSIONS.kafka}`,
  registry: `apicurio/apicurio-registry:${VERSIONS.apicurio}`,
  database: `postgres:${VERSIONS.postgres}-alpine`,
} as const;
