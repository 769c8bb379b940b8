/** What stands in a ring, in at most one at a time; the ring alone writes these. */
interface Member<T> {
  next: T | undefined;
  isQueued: boolean;
}

/** A queue of members in the order they came, without memory of its own; one that is in a ring already stays there. */
export class Ring<T extends Member<T>> {
  #head: T | undefined;
  #tail: T | undefined;

  get isEmpty(): boolean {
    return this.#head === undefined;
  }

  push(member: T): void {
    if (member.isQueued) return;
    member.isQueued = true;
    if (this.#tail === undefined) this.#head = member;
    else this.#tail.next = member;
    this.#tail = member;
  }

  unshift(member: T): void {
    if (member.isQueued) return;
    member.isQueued = true;
    member.next = this.#head;
    this.#head = member;
    this.#tail ??= member;
  }

  shift(): T | undefined {
    const member = this.#head;
    if (member === undefined) return undefined;
    this.#head = member.next;
    if (this.#head === undefined) this.#tail = undefined;
    member.next = undefined;
    member.isQueued = false;
    return member;
  }
}
