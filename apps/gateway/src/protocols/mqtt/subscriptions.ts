import { topicMatcher } from '@heddle/event';
import { type Wanted, readFilter } from './topic-filters.js';

/** A subscription as it is kept with its session. */
export interface Subscription {
  /** As the client named it. */
  filter: string;
  /** What was granted: 0 or 1. */
  qos: 0 | 1;
  /** What this session has published is not for it. */
  noLocal?: true;
  /** The RETAIN flag is told as it was published. */
  retainAsPublished?: true;
  identifier?: number;
}

/** A subscription that was just made, for what is retained. */
export interface Made {
  subscription: Subscription;
  wanted: Wanted;
  /** Whether there was none with this filter before. */
  isNew: boolean;
  /** When retained messages are wanted: 0 always, 1 for a new one, 2 never (MQTT 5 §3.8.3.1). */
  retainHandling: number;
}

/** How a message goes out that one or more subscriptions of a session select: once, with all their identifiers. */
export interface Selection {
  qos: 0 | 1;
  identifiers: readonly number[];
  /** Whether the RETAIN flag is told as it was published. */
  retainAsPublished: boolean;
  /** How it goes out when the session has published it itself, where that is not the same; null when it does not. */
  own?: Selection | null;
  /** What came before the subscription was made, and is told because of it. */
  isRetained?: true;
}

interface Read extends Subscription {
  wanted: Wanted;
  matches: (topic: string) => boolean;
}

const MAX_REMEMBERED = 1000;

/** The subscriptions of a session, by filter: a filter said again replaces what it was (MQTT 5 §3.8.4). */
export class Subscriptions {
  readonly #all = new Map<string, Read>();
  /** Topics that came lately, and how they go out. */
  readonly #known = new Map<string, Selection | undefined>();

  constructor(stored: readonly Subscription[] = []) {
    for (const subscription of stored) this.put(subscription);
  }

  get size(): number {
    return this.#all.size;
  }

  /** As they are to be kept. */
  get stored(): Subscription[] {
    return [...this.#all.values()].map(({ wanted: _wanted, matches: _matches, ...stored }) => stored);
  }

  has(filter: string): boolean {
    return this.#all.has(filter);
  }

  get(filter: string): Subscription | undefined {
    return this.#all.get(filter);
  }

  /** What each of them is on. */
  wanted(): { filter: string; wanted: Wanted }[] {
    return [...this.#all.values()].map(({ filter, wanted }) => ({ filter, wanted }));
  }

  /** The patterns that the session's own queue has to have, each once. */
  get patterns(): string[] {
    const all = [...this.#all.values()].flatMap(({ wanted }) => (wanted.kind === 'topics' ? wanted.patterns : []));
    return [...new Set(all)].toSorted();
  }

  /** @throws HeddleError `parameter-invalid` */
  put(subscription: Subscription): void {
    const wanted = readFilter(subscription.filter);
    const matches = wanted.kind === 'topics' ? topicMatcher(wanted.patterns) : () => false;
    this.#all.set(subscription.filter, { ...subscription, wanted, matches });
    this.#known.clear();
  }

  /** Whether there was one. */
  delete(filter: string): boolean {
    this.#known.clear();
    return this.#all.delete(filter);
  }

  /** How a message of the session's own queue goes out; nothing when no subscription is on its topic any more. */
  select(topic: string): Selection | undefined {
    if (this.#known.has(topic)) return this.#known.get(topic);
    const matching = [...this.#all.values()].filter(({ matches }) => matches(topic));
    const selection = matching.length === 0 ? undefined : together(matching);
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
    this.#known.set(topic, selection);
    return selection;
  }
}

/** How a message goes out that one subscription selects. */
export function selectionOf(subscription: Subscription): Selection {
  return together([subscription]);
}

/** What overlaps is one message, of the highest quality asked for (MQTT 5 §3.3.4). */
function together(matching: readonly Subscription[]): Selection {
  const selection: Selection = {
    qos: matching.some(({ qos }) => qos === 1) ? 1 : 0,
    identifiers: matching.flatMap(({ identifier }) => (identifier === undefined ? [] : [identifier])),
    retainAsPublished: matching.some(({ retainAsPublished }) => retainAsPublished === true),
  };
  const local = matching.filter(({ noLocal }) => noLocal !== true);
  if (local.length < matching.length) selection.own = local.length === 0 ? null : together(local);
  return selection;
}
