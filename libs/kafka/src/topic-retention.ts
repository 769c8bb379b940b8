import type { Admin, ConfigSource } from 'kafkajs';
import { kafkajs } from './kafkajs.js';

/** What was set for the topic itself, and is not how the broker has it anyway. */
const OF_TOPIC: ConfigSource = 1;
const RETENTION = 'retention.ms';

/**
 * Has a topic keep its records for so many milliseconds, unless it does already. All else that was set for it is written
 * again as it was, for the request of kafkajs (AlterConfigs) takes back what it does not name.
 */
export async function retainFor(admin: Admin, name: string, retentionMs: number): Promise<void> {
  const type = kafkajs.ConfigResourceTypes.TOPIC;
  const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type, name }] });
  const entries = resources[0]?.configEntries ?? [];
  const wanted = String(retentionMs);
  if (entries.some(({ configName, configValue }) => configName === RETENTION && configValue === wanted)) return;
  const others = entries
    .filter(({ configName, configSource }) => configSource === OF_TOPIC && configName !== RETENTION)
    .map(({ configName, configValue }) => ({ name: configName, value: configValue }));
  const configEntries = [...others, { name: RETENTION, value: wanted }];
  await admin.alterConfigs({ validateOnly: false, resources: [{ type, name, configEntries }] });
}
