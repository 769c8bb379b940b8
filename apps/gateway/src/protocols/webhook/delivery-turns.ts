import { Ring } from './ring.js';

/** Who begins deliveries when it is its turn. */
export interface TurnTaker {
  /**
   * Begins one request, if there is something to deliver and nothing of its own holds it back. Returns for how many
   * events; 0 when it did not: then it takes no turn until it says {@link Seat.ready} again.
   */
  begin(): number;
}

/** Events that one receiver begins with before the next one has its turn. */
const QUANTUM = 8;
/** Turns of prompt receivers to one of the others. */
const PROMPT_TURNS = 4;
/** One receiver may have as many requests as there is room left, or so much of that. */
const ROOM_SHARE = { prompt: 1, other: 0.5 };
/** A request that takes longer than this is that of a slow receiver. */
const SLOW_MS = 1000;
/** How often it is looked who is slow, while somebody waits for room. */
const LOOK_MS = 100;
/** While requests of receivers that were prompt hang, there may be so many times the bound in all. */
const HARD_BOUNDS = 2;

/**
 * Shares the requests that may be under way at once among all receivers of this process, by deficit round robin
 * (Shreedhar and Varghese 1995): in turn each begins with as many events, whether one to a request or batches.
 *
 * There are two classes, each with half of the bound and turns of its own: prompt are the receivers whose last answer
 * was a fast success, as long as they are at first attempts; in the other one are those that hang, fail, are slow or not
 * known yet, and those that are at retries and replays. So requests that hang take nothing from the prompt, however many
 * there are. Within a class none may have more under way than a share of what is left, so that there is always room for
 * one more (dynamic thresholds, Choudhury and Hahne 1998).
 */
export class DeliveryTurns {
  readonly #prompt: Lane;
  readonly #other: Lane;
  readonly #seats = new Set<Seat>();
  #turnsOfPrompt = 0;
  #running = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param bound requests under way at once, of all receivers; at least 2 */
  constructor(private readonly bound = 1024) {
    this.#prompt = new Lane(Math.ceil(bound / 2), ROOM_SHARE.prompt);
    this.#other = new Lane(Math.floor(bound / 2), ROOM_SHARE.other);
  }

  /** A place for a receiver; costs nothing as long as it is not ready. */
  join(taker: TurnTaker): Seat {
    const seat = new Seat(taker, this, this.#other);
    this.#seats.add(seat);
    return seat;
  }

  leave(seat: Seat): void {
    this.#seats.delete(seat);
  }

  /** Requests under way. */
  get inFlight(): number {
    return this.#prompt.inFlight + this.#other.inFlight;
  }

  /** Queues a seat for its next turn, and gives turns. */
  queue(seat: Seat): void {
    seat.lane.push(seat);
    this.#run();
  }

  /** Puts a seat, with all its requests under way, into the class it belongs to now. */
  place(seat: Seat): void {
    const lane = seat.isPrompt ? this.#prompt : this.#other;
    if (lane === seat.lane) return;
    seat.lane.inFlight -= seat.inFlight;
    lane.inFlight += seat.inFlight;
    // One that is queued in the lane it was in has its turn there.
    seat.lane = lane;
  }

  #run(): void {
    // What a turn sets off may end at once and come back here: the loop that is running sees to it.
    if (this.#running) return;
    this.#running = true;
    try {
      for (let seat = this.#next(); seat !== undefined; seat = this.#next()) this.#turn(seat);
    } finally {
      this.#running = false;
    }
    if (!this.#prompt.isEmpty) this.#lookLater();
  }

  #turn(seat: Seat): void {
    if (!seat.isInterrupted) seat.deficit = Math.min(seat.deficit + QUANTUM, QUANTUM);
    seat.isInterrupted = false;
    while (seat.deficit > 0) {
      const room = this.#roomIn(seat.lane);
      if (room <= 0) {
        // Nobody can begin now: it goes on with its turn when somebody can.
        seat.isInterrupted = true;
        return seat.lane.unshift(seat);
      }
      // The end of one of its own requests brings it back.
      if (seat.inFlight > 0 && seat.inFlight >= room * seat.lane.share) return;
      const events = seat.isLeft ? 0 : seat.taker.begin();
      if (events === 0) {
        seat.deficit = Math.min(seat.deficit, 0);
        return;
      }
      seat.deficit -= events;
    }
    seat.lane.push(seat);
  }

  #next(): Seat | undefined {
    const prompt = !this.#prompt.isEmpty && this.#roomIn(this.#prompt) > 0;
    const other = !this.#other.isEmpty && this.#roomIn(this.#other) > 0;
    if (prompt && (!other || this.#turnsOfPrompt < PROMPT_TURNS)) {
      this.#turnsOfPrompt += 1;
      return this.#prompt.shift();
    }
    this.#turnsOfPrompt = 0;
    return other ? this.#other.shift() : undefined;
  }

  #roomIn(lane: Lane): number {
    const all = lane === this.#prompt ? this.bound * HARD_BOUNDS : this.bound;
    return Math.min(lane.bound - lane.inFlight, all - this.inFlight);
  }

  /** Receivers that were prompt and now hang are not, after a while, so that those who wait for room get it. */
  #lookLater(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const before = performance.now() - SLOW_MS;
      for (const seat of this.#seats) seat.look(before);
      this.#run();
    }, LOOK_MS).unref();
  }
}

/** The seats of one class. */
class Lane extends Ring<Seat> {
  inFlight = 0;

  constructor(
    readonly bound: number,
    readonly share: number,
  ) {
    super();
  }
}

/** The place of one receiver. Times are those of `performance.now()`. */
export class Seat {
  inFlight = 0;
  /** Events it may begin with in this turn; below zero after a batch that was larger. */
  deficit = 0;
  /** Whether its turn ended for want of room only. */
  isInterrupted = false;
  isLeft = false;
  isQueued = false;
  next: Seat | undefined;
  /** Whether its last answer was a fast success. */
  #answers = false;
  #again = false;
  /** When something ended, or the first request after a rest began. */
  #movedAt = 0;

  constructor(
    readonly taker: TurnTaker,
    private readonly turns: DeliveryTurns,
    public lane: Lane,
  ) {}

  get isPrompt(): boolean {
    return this.#answers && !this.#again;
  }

  /** There may be something to begin. */
  ready(): void {
    this.turns.queue(this);
  }

  /** @param again a retry, a redrive or a replay */
  begun(now: number, again: boolean): void {
    this.#again = again;
    if (this.inFlight === 0) this.#movedAt = now;
    this.turns.place(this);
    this.inFlight += 1;
    this.lane.inFlight += 1;
  }

  /**
   * A request ended; whoever says so says {@link ready} when it is done with it.
   *
   * @param ms how long it took, if it succeeded; Infinity if not
   */
  ended(now: number, ms: number): void {
    this.inFlight -= 1;
    this.lane.inFlight -= 1;
    this.#movedAt = now;
    this.#answers = ms < SLOW_MS;
    this.turns.place(this);
  }

  /** Takes it for slow when nothing has moved since. */
  look(since: number): void {
    if (this.inFlight === 0 || this.#movedAt > since) return;
    this.#answers = false;
    this.turns.place(this);
  }

  leave(): void {
    this.isLeft = true;
    this.turns.leave(this);
  }
}
