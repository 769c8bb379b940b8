import { controlLogContract } from '../../../test/src/contract/control-log.contract.js';
import { MemoryControlLog } from './memory-control-log.js';

controlLogContract('in memory', () => Promise.resolve({ log: new MemoryControlLog(), close: () => Promise.resolve() }));
