// `npm run rewrap`: wraps all data keys with the first master key of HEDDLE_MASTER_KEY; with --new-data-keys every
// tenant gets a new one, too. Takes the settings of the gateway, so that it can run wherever that can.
import { parseArgs } from 'node:util';
import { CONTROL_TOPIC_SPECS, HeddleError } from '@heddle/event';
import { KafkaControlLog } from '@heddle/kafka';
import { readSettings } from '@heddle/runtime';
import { settings } from './settings.js';
import { linesOf, rewrap } from './vault/rewrap.js';

const { values: flags } = parseArgs({ options: { 'new-data-keys': { type: 'boolean', default: false } } });
const { kafkaBrokers, masterKeys } = readSettings(settings);
const controlLog = new KafkaControlLog({ brokers: kafkaBrokers, clientId: 'rewrap' });
try {
  await controlLog.ensureTopics(CONTROL_TOPIC_SPECS);
  const outcome = await rewrap(controlLog, masterKeys, flags['new-data-keys']);
  process.stdout.write(`${linesOf(outcome).join('\n')}\n`);
  if (outcome.shut.length > 0) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${error instanceof HeddleError ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await controlLog.close();
}
