import { SLOT_COUNT } from '@heddle/event';
import type { SlotGroup, SlotHandlers, SlotMember } from '@heddle/event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const WAIT = { timeout: 10_000, interval: 5 };
const ALL = Array.from({ length: SLOT_COUNT }, (_, slot) => slot);

/** Who owns what as the handlers are told, and whatever they were told that cannot be. */
export class SlotLedger {
  readonly problems: string[] = [];
  readonly renewed: string[] = [];
  private readonly owners = new Map<number, string>();

  handlersOf(name: string): SlotHandlers {
    return {
      onAssigned: (slots) => {
        for (const slot of slots) {
          const owner = this.owners.get(slot);
          if (owner !== undefined) this.problems.push(`${slot} is assigned to ${name} while ${owner} has it`);
          this.owners.set(slot, name);
        }
      },
      onRevoked: (slots) => {
        for (const slot of slots) {
          const owner = this.owners.get(slot);
          if (owner !== name) this.problems.push(`${slot} is revoked from ${name}, but ${owner ?? 'nobody'} has it`);
          this.owners.delete(slot);
        }
      },
      onRenewed: () => this.renewed.push(name),
    };
  }

  of(name: string): number[] {
    return ALL.filter((slot) => this.owners.get(slot) === name);
  }

  get owned(): number[] {
    return ALL.filter((slot) => this.owners.has(slot));
  }
}

/** What every slot group promises; see `SlotGroup`. `newGroup` answers how processes of one new group get into it. */
export function slotGroupContract(name: string, newGroup: () => Promise<() => SlotGroup>): void {
  describe(`the slot group contract: ${name}`, () => {
    let group: () => SlotGroup;
    let ledger: SlotLedger;
    const members = new Map<string, SlotMember>();

    beforeEach(async () => {
      group = await newGroup();
      ledger = new SlotLedger();
    });
    afterEach(async () => {
      for (const member of members.values()) await member.leave();
      members.clear();
      expect(ledger.problems).toEqual([]);
      expect(ledger.owned).toEqual([]);
    });

    const join = async (member: string): Promise<SlotMember> => {
      const joined = await group().join(ledger.handlersOf(member));
      members.set(member, joined);
      return joined;
    };
    const leave = async (member: string): Promise<void> => {
      await members.get(member)?.leave();
      members.delete(member);
    };
    const divided = (sizes: Record<string, number>): Promise<void> =>
      vi.waitFor(() => {
        expect(Object.fromEntries(Object.keys(sizes).map((member) => [member, ledger.of(member).length]))).toEqual(
          sizes,
        );
      }, WAIT);

    it('gives every slot to the only member, before it says that it has joined', async () => {
      await join('a');
      expect(ledger.of('a')).toEqual(ALL);
    });

    it('gives half to a second member, which nobody ever owns together with the first', async () => {
      await join('a');
      await join('b');
      await divided({ a: 16, b: 16 });
      expect(ledger.problems).toEqual([]);
    });

    it('divides evenly among any number, and moves no slot between those that stay', async () => {
      await join('a');
      await join('b');
      await divided({ a: 16, b: 16 });
      const before = { a: ledger.of('a'), b: ledger.of('b') };
      await join('c');
      await divided({ a: 11, b: 11, c: 10 });
      expect(before.a).toEqual(expect.arrayContaining(ledger.of('a')));
      expect(before.b).toEqual(expect.arrayContaining(ledger.of('b')));
      const later = { a: ledger.of('a'), c: ledger.of('c') };
      await leave('b');
      await divided({ a: 16, c: 16 });
      expect(ledger.of('a')).toEqual(expect.arrayContaining(later.a));
      expect(ledger.of('c')).toEqual(expect.arrayContaining(later.c));
    });

    it('hands over within two seconds what a member leaves behind', async () => {
      await join('a');
      await join('b');
      await divided({ a: 16, b: 16 });
      const began = performance.now();
      await leave('a');
      expect(ledger.of('a')).toEqual([]);
      await divided({ b: 32 });
      expect(performance.now() - began).toBeLessThan(2000);
      // And to one that comes anew.
      await join('a');
      await divided({ a: 16, b: 16 });
    });

    it('settles when many come and go at once', async () => {
      await Promise.all(['a', 'b', 'c', 'd', 'e'].map(join));
      await vi.waitFor(() => {
        expect(['a', 'b', 'c', 'd', 'e'].map((member) => ledger.of(member).length).toSorted()).toEqual([6, 6, 6, 7, 7]);
      }, WAIT);
      await Promise.all([leave('a'), leave('c'), join('f')]);
      await vi.waitFor(() => {
        expect(ledger.owned).toEqual(ALL);
        expect(['b', 'd', 'e', 'f'].map((member) => ledger.of(member).length)).toEqual([8, 8, 8, 8]);
      }, WAIT);
    });

    it('says that a member is current while it is one, and never after it left', async () => {
      const a = await join('a');
      expect(a.isCurrent()).toBe(true);
      const b = await join('b');
      expect([a.isCurrent(), b.isCurrent()]).toEqual([true, true]);
      await leave('a');
      expect([a.isCurrent(), b.isCurrent()]).toEqual([false, true]);
      // A second time says nothing new.
      await a.leave();
    });
  });
}
