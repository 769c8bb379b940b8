import type { ForeignClient, Found, Ground } from './foreign-client.js';
import { type Program, runProgram } from './programs.js';

/** A program in another language as a client. */
export function programClient(
  { kafkaBrokers, registryUrl }: Ground,
  program: Program,
  client: Pick<ForeignClient, 'name' | 'modes' | 'compressions'>,
): ForeignClient & { build(): Promise<unknown> } {
  let building: Promise<readonly string[]> | undefined;
  const build = (): Promise<readonly string[]> => (building ??= program.build());
  const env = { KAFKA_BROKERS: kafkaBrokers.join(','), SCHEMA_REGISTRY_URL: registryUrl };
  return {
    ...client,
    missing: program.missing,
    build,
    read: async (topic) => runProgram<Found>(await build(), ['read', topic], { env }),
    write: async (topic, subject, orders) => {
      const command = await build();
      const lines = await runProgram<{ id: string; partition: number }>(command, ['write', topic, subject], {
        env,
        input: orders,
      });
      return new Map(lines.map(({ id, partition }) => [id, partition]));
    },
  };
}
