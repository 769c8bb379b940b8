import { divideSlots, type SlotGroup, type SlotHandlers, type SlotMember } from './slot-group.js';

interface Member {
  handlers: SlotHandlers;
  slots: Set<number>;
}

/** The slot group of one process, for tests: members divide the slots evenly as they come and go. */
export class MemorySlotGroup implements SlotGroup {
  private readonly members: Member[] = [];

  join(handlers: SlotHandlers): Promise<SlotMember> {
    const member: Member = { handlers, slots: new Set() };
    this.members.push(member);
    this.divide();
    return Promise.resolve({
      isCurrent: () => this.members.includes(member),
      leave: () => {
        this.remove(member);
        return Promise.resolve();
      },
    });
  }

  private remove(member: Member): void {
    const index = this.members.indexOf(member);
    if (index < 0) return;
    this.members.splice(index, 1);
    const slots = [...member.slots];
    member.slots.clear();
    member.handlers.onRevoked(slots);
    this.divide();
  }

  private divide(): void {
    if (this.members.length === 0) return;
    const shares = divideSlots(this.members.map(({ slots }) => [...slots]));
    const changes = this.members.map((member, index) => {
      const share = new Set(shares[index]);
      const lost = [...member.slots].filter((slot) => !share.has(slot));
      const got = [...share].filter((slot) => !member.slots.has(slot));
      member.slots = share;
      return { member, lost, got };
    });
    for (const { member, lost } of changes) if (lost.length > 0) member.handlers.onRevoked(lost);
    for (const { member, got } of changes) if (got.length > 0) member.handlers.onAssigned(got);
  }
}
