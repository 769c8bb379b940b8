// `node apps/gateway/dist/make-master-key.js FILE --brokers HOST:PORT`: makes the master key of a first start. Where
// something in the log is sealed already and the file is gone, it makes none and says what to do, with exit code 1.
import { parseArgs } from 'node:util';
import { CONTROL_TOPICS, CONTROL_TOPIC_SPECS, HeddleError } from '@heddle/event';
import { KafkaControlLog } from '@heddle/kafka';
import { makeMasterKey } from './vault/master-key-file.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { brokers: { type: 'string', default: '127.0.0.1:9092' } },
});
const controlLog = new KafkaControlLog({
  brokers: values.brokers.split(',').map((broker) => broker.trim()),
  clientId: 'make-master-key',
});
try {
  const [file] = positionals;
  if (file === undefined) throw new HeddleError('setting-invalid', 'Say which file: make-master-key.js FILE.');
  await controlLog.ensureTopics(CONTROL_TOPIC_SPECS.filter(({ name }) => name === CONTROL_TOPICS.keys));
  await makeMasterKey(file, controlLog);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await controlLog.close();
}
