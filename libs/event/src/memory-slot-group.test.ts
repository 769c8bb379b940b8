import { slotGroupContract } from '../../../test/src/contract/slot-group.contract.js';
import { MemorySlotGroup } from './memory-slot-group.js';

slotGroupContract('in memory', () => {
  const group = new MemorySlotGroup();
  return Promise.resolve(() => group);
});
