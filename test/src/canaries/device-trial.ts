import type { Party } from './party-trial.js';

const KEYS = ['K1', 'K2', 'K3'];

/** A device of a tenant on MQTT, which subscribes to what it can think of and publishes under its topics. */
export function device(party: Party, { data, ...attributes }: Record<string, unknown>, queue: string): Promise<void> {
  const { canary } = party;
  const topic = `default/heddle/s4/ce/${String(attributes['type']).replaceAll('.', '/')}`;
  const userProperties = attributes as Record<string, string>;
  const properties = { contentType: 'application/json', userProperties };
  const qos = party.oneOf([0, 1, 2] as const);
  const filters = [
    ...['#', 'sap/#', topic, 'queue:sap/queue', `queue:${queue}`, `sap/${canary}/+`],
    ...['$share/workers/sap/#', `$share/${canary}/#`, `queue:${canary}`, `$SYS/${canary}`],
  ];
  return party.mqtt({
    clientId: party.oneOf(['device', `device of ${canary}`]),
    filters: [party.oneOf(filters), party.oneOf(filters)],
    publishes: [
      { topic: `sap/${canary}/${party.oneOf(KEYS)}`, payload: canary, qos },
      { topic: `queue:${party.oneOf(['sap/queue', queue])}`, payload: canary, qos },
      { topic, payload: JSON.stringify(data), qos, properties },
      { topic, payload: canary, qos },
    ],
  });
}
