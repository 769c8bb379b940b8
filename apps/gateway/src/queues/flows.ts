/** What a queue says about its receivers. */
export interface FlowRules {
  /** Whether one receiver at a time gets anything. */
  exclusive: boolean;
  /** Leases that one receiver may have out; no limit when left out. */
  maxUnacknowledged?: number | undefined;
}

/** A receiver that stays: a link, a subscription, a connection. */
export interface Flow {
  /** Whether it would be given what there is: on an exclusive queue one flow is, the others stand by. */
  readonly isActive: boolean;
  /** Lets the next one in; what it has out is still settled as ever. */
  close(): void;
}

/** One receiver, as leases are counted by. */
export class CountedFlow implements Flow {
  held = 0;
  isClosed = false;

  constructor(
    private readonly flows: Flows,
    /** Of one that comes and goes with its requests: what it is known by. */
    readonly passing?: string,
  ) {}

  get isActive(): boolean {
    return !this.isClosed && this.flows.roomOf(this) > 0;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.flows.closed(this);
  }
}

/**
 * Who receives from a queue, where that makes a difference: of an exclusive queue the receiver that came first, until it
 * leaves; of a limited one each as much as it may have out. Receivers that come and go are known by kind and name for as long as
 * they have something.
 */
export class Flows {
  /** In the order they came. */
  readonly #open = new Set<CountedFlow>();
  readonly #passing = new Map<string, CountedFlow>();

  constructor(
    private readonly rules: () => FlowRules,
    private readonly onRoom: () => void,
  ) {}

  /** Whether anything has to be counted at all. */
  get areCounted(): boolean {
    const { exclusive, maxUnacknowledged } = this.rules();
    return exclusive || maxUnacknowledged !== undefined;
  }

  open(): CountedFlow {
    const flow = new CountedFlow(this);
    this.#open.add(flow);
    return flow;
  }

  /** The flow of one that comes and goes. */
  passing({ kind, name }: { kind: string; name: string }): CountedFlow {
    const key = `${kind} ${name}`;
    return this.#passing.get(key) ?? new CountedFlow(this, key);
  }

  /** How many further leases it may have now. */
  roomOf(flow: CountedFlow): number {
    const { exclusive, maxUnacknowledged = Infinity } = this.rules();
    if (flow.isClosed || (exclusive && this.#active !== undefined && this.#active !== flow)) return 0;
    return Math.max(0, maxUnacknowledged - flow.held);
  }

  granted(flow: CountedFlow): void {
    flow.held += 1;
    if (flow.passing !== undefined) this.#passing.set(flow.passing, flow);
  }

  /** A lease of it has ended. */
  ended(flow: CountedFlow): void {
    flow.held -= 1;
    if (flow.held === 0 && flow.passing !== undefined) this.#passing.delete(flow.passing);
  }

  closed(flow: CountedFlow): void {
    this.#open.delete(flow);
    this.onRoom();
  }

  /** Who stays comes before who comes and goes. */
  get #active(): CountedFlow | undefined {
    const [stays] = this.#open;
    if (stays !== undefined) return stays;
    const [passes] = this.#passing.values();
    return passes;
  }
}
