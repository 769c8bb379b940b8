import { type StoredEvent, tenantOf } from '@heddle/event';
import type { QueueSelection } from './queue-selection.js';

/** Who may want raw messages: a queue of a tenant. */
interface Addressee {
  readonly definition: { tenant: string };
  readonly selection: QueueSelection;
}

/** Topics whose queues are remembered; publishers may bring topics without end. */
const MAX_FOUND = 10_000;

/** Which queues an address is for: one by its name, or all whose patterns match, found once for each topic. */
export class Addressed<Member extends Addressee> {
  readonly #byAddress = new Map<string, Member[]>();
  readonly #patterned = new Set<Member>();
  readonly #found = new Map<string, readonly Member[]>();

  add(member: Member): void {
    this.#found.clear();
    const name = nameOf(member);
    this.#byAddress.set(name, [...(this.#byAddress.get(name) ?? []), member]);
    if (member.selection.hasPatterns) this.#patterned.add(member);
  }

  /** Also of one whose definition has changed meanwhile, but for its name. */
  remove(member: Member): void {
    this.#found.clear();
    const name = nameOf(member);
    const left = this.#byAddress.get(name)?.filter((other) => other !== member) ?? [];
    if (left.length === 0) this.#byAddress.delete(name);
    else this.#byAddress.set(name, left);
    this.#patterned.delete(member);
  }

  /** Those that a raw message is for, before their filters. */
  match({ topic, attributes: { address } }: StoredEvent): readonly Member[] {
    if (address === undefined) return [];
    const tenant = tenantOf(topic);
    if (address.startsWith('queue:')) return this.#byAddress.get(`${tenant} ${address}`) ?? [];
    if (this.#patterned.size === 0) return [];
    const name = `${tenant} ${address}`;
    let found = this.#found.get(name);
    if (found === undefined) {
      found = [...this.#patterned].filter(
        ({ definition, selection }) => definition.tenant === tenant && selection.wantsAddress(address),
      );
      if (this.#found.size >= MAX_FOUND) this.#found.clear();
      this.#found.set(name, found);
    }
    return found;
  }
}

function nameOf({ definition, selection }: Addressee): string {
  return `${definition.tenant} ${selection.address}`;
}
