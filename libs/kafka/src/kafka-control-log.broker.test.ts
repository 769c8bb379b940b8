import { inject } from 'vitest';
import { controlLogContract } from '../../../test/src/contract/control-log.contract.js';
import { KafkaControlLog } from './kafka-control-log.js';

controlLogContract('on Kafka', () => {
  const log = new KafkaControlLog({ brokers: inject('stack').kafkaBrokers, clientId: 'contract' });
  return Promise.resolve({ log, close: () => log.close() });
});
