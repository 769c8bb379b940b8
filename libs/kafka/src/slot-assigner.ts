import { divideSlots } from '@heddle/event';
import { kafkajs } from './kafkajs.js';

// The division of slots in the words of a consumer group (Kafka protocol, "Group Membership API"): members say with
// their joins what they own, the leader answers who is to have what. As in KIP-429, a slot changes hands in two steps,
// so that nobody is given what another may still be working on.

/** What a member says when it joins. */
export interface SlotClaim {
  memberId: string;
  slots: readonly number[];
  /** The generation of the group that gave it these slots. */
  generation: number;
}

export const SLOT_PROTOCOL = 'heddle-slots';

const FORMAT_VERSION = 1;
const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;

/**
 * What each member has from now on. A slot on its way from one member to another is given to nobody: its owner learns
 * that it is gone and joins again, and then it is free. Of two that claim one slot, the one of the later generation has
 * it.
 */
export function assignSlots(claims: readonly SlotClaim[]): Map<string, number[]> {
  const members = claims.toSorted((one, other) => (one.memberId < other.memberId ? -1 : 1));
  const owners = new Map<number, SlotClaim>();
  for (const claim of members) {
    for (const slot of claim.slots) {
      const owner = owners.get(slot);
      if (owner === undefined || claim.generation > owner.generation) owners.set(slot, claim);
    }
  }
  const targets = divideSlots(members.map((claim) => claim.slots.filter((slot) => owners.get(slot) === claim)));
  return new Map(
    members.map((claim, index) => [
      claim.memberId,
      (targets[index] ?? []).filter((slot) => (owners.get(slot) ?? claim) === claim),
    ]),
  );
}

export function encodeClaim(topic: string, { slots, generation }: Omit<SlotClaim, 'memberId'>): Buffer {
  const userData = Buffer.from(JSON.stringify({ version: FORMAT_VERSION, slots, generation }));
  return MemberMetadata.encode({ version: FORMAT_VERSION, topics: [topic], userData });
}

/** A claim that cannot be read is none: its slots are free. */
export function decodeClaim(memberId: string, metadata: Buffer): SlotClaim {
  try {
    const { userData } = MemberMetadata.decode(metadata) ?? {};
    const { slots, generation } = JSON.parse(userData?.toString() ?? '') as Omit<SlotClaim, 'memberId'>;
    if (!Array.isArray(slots) || typeof generation !== 'number') throw new Error('not a claim');
    return { memberId, slots, generation };
  } catch {
    return { memberId, slots: [], generation: -1 };
  }
}

export function encodeAssignment(topic: string, slots: readonly number[]): Buffer {
  const assignment = { [topic]: [...slots] };
  return MemberAssignment.encode({ version: FORMAT_VERSION, assignment, userData: Buffer.alloc(0) });
}

export function decodeAssignment(topic: string, assignment: Buffer): number[] {
  return MemberAssignment.decode(assignment)?.assignment[topic] ?? [];
}
