import { LaunchError } from './launch-error.mjs';
import type { LaunchSettings } from './launch-settings.js';
import { isPortFree } from './ready.js';

/**
 * Every port that this start is going to need is free and wanted once.
 *
 * @throws LaunchError naming each port that is not, what wants it, and the setting to change
 */
export async function requireFreePorts(settings: LaunchSettings): Promise<void> {
  const wanted: [port: number, who: string, setting: string][] = [
    [settings.gatewayPort, 'the gateway', 'GATEWAY_PORT'],
    [settings.salesOrderPort, 'sales-order', 'SALES_ORDER_PORT'],
    [settings.businessPartnerPort, 'business-partner', 'BUSINESS_PARTNER_PORT'],
    [settings.contractPort, 'contract', 'CONTRACT_PORT'],
  ];
  if (settings.registryUrl === undefined) wanted.push([settings.registryPort, 'the schema registry', 'REGISTRY_PORT']);
  if (settings.databaseUrl === undefined) wanted.push([settings.databasePort, 'PostgreSQL', 'DATABASE_PORT']);
  if (settings.kafkaBrokers === undefined) {
    wanted.push([settings.kafkaPort, 'Kafka', 'KAFKA_PORT']);
    wanted.push([settings.kafkaControllerPort, "Kafka's controller", 'KAFKA_CONTROLLER_PORT']);
  }
  const problems: string[] = [];
  const seen = new Map<number, string>();
  for (const [port, who, setting] of wanted) {
    const other = seen.get(port);
    if (other !== undefined)
      problems.push(`Port ${port} is wanted by ${other} and by ${who}: choose another with ${setting}.`);
    else if (!(await isPortFree(port))) {
      problems.push(
        `Port ${port} is in use, and ${who} wants it: end what uses it, or choose another with ${setting}=….`,
      );
    }
    seen.set(port, who);
  }
  if (problems.length > 0) throw new LaunchError(problems.join('\n✖ '));
}
