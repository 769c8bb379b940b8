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
/** Turns of receivers in good order to one of the others. */
const FIRST_TURNS = 4;
/** Of all requests at once, the share that receivers which are not in good order may have together. */
const SECOND_SHARE = 0.75;
/** Of the room that is left, the share that one receiver may have. */
const ROOM_SHARE = 0.5;

/**
 * Shares the requests that may be under way at once among all receivers of this process, by deficit round robin
 * (Shreedhar and Varghese 1995): in turn each begins with as many events, whether one to a request or batches.
 *
 * None may have more under way than half of what is left (dynamic thresholds, Choudhury and Hahne 1998), so that
 * however many hang, there is room. Receivers whose last attempt failed, or which are at retries and replays, have
 * fewer turns, and never the last quarter: that is for first attempts to receivers that answer.
 */
export class DeliveryTurns {
  readonly #first = new Ring();
  readonly #second = new Ring();
  readonly #secondBound: number;
  #inFlight = 0;
  #turnsOfFirst = 0;
  #running = false;

  /** @param bound requests under way at once, of all receivers */
  constructor(private readonly bound = 1024) {
    this.#secondBound = Math.max(1, Math.floor(bound * SECOND_SHARE));
  }

  /** A place for a receiver; costs nothing as long as it is not ready. */
  join(taker: TurnTaker): Seat {
    return new Seat(taker, this);
  }

  /** Requests under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Queues a seat for its next turn, and gives turns. */
  queue(seat: Seat): void {
    if (!seat.isQueued) this.#ringOf(seat).push(seat);
    this.#run();
  }

  begun(seat: Seat): void {
    this.#inFlight += 1;
    seat.inFlight += 1;
  }

  ended(seat: Seat): void {
    this.#inFlight -= 1;
    seat.inFlight -= 1;
  }

  #run(): void {
    // What a turn sets off may end at once and come back here: the loop that is running sees to it.
    if (this.#running) return;
    this.#running = true;
    try {
      for (let seat = this.#next(); seat !== undefined; seat = this.#next()) {
        if (this.#turn(seat)) this.#ringOf(seat).push(seat);
      }
    } finally {
      this.#running = false;
    }
  }

  /** Returns whether the seat has more to begin than its turn allowed. */
  #turn(seat: Seat): boolean {
    seat.deficit = Math.min(seat.deficit + QUANTUM, QUANTUM);
    while (seat.deficit > 0) {
      // The end of one of its own requests brings it back.
      if (seat.inFlight > 0 && seat.inFlight >= this.#roomOf(seat) * ROOM_SHARE) return false;
      if (this.#roomOf(seat) <= 0) return true;
      const events = seat.isLeft ? 0 : seat.taker.begin();
      if (events === 0) {
        seat.deficit = Math.min(seat.deficit, 0);
        return false;
      }
      seat.deficit -= events;
    }
    return true;
  }

  #next(): Seat | undefined {
    const second = this.#inFlight < this.#secondBound && !this.#second.isEmpty;
    if (this.#inFlight >= this.bound || (!second && this.#first.isEmpty)) return undefined;
    if (!this.#first.isEmpty && (!second || this.#turnsOfFirst < FIRST_TURNS)) {
      this.#turnsOfFirst += 1;
      return this.#first.shift();
    }
    this.#turnsOfFirst = 0;
    return this.#second.shift();
  }

  #roomOf(seat: Seat): number {
    return (seat.isSecond ? this.#secondBound : this.bound) - this.#inFlight;
  }

  #ringOf(seat: Seat): Ring {
    return seat.isSecond ? this.#second : this.#first;
  }
}

/** The place of one receiver. */
export class Seat {
  inFlight = 0;
  /** Events it may begin with in this turn; below zero after a batch that was larger. */
  deficit = 0;
  isQueued = false;
  isLeft = false;
  next: Seat | undefined;
  #failed = false;
  #again = false;

  constructor(
    readonly taker: TurnTaker,
    private readonly turns: DeliveryTurns,
  ) {}

  /** Whether it is behind those whose receivers answer and have not had their events before. */
  get isSecond(): boolean {
    return this.#failed || this.#again;
  }

  /** There may be something to begin. */
  ready(): void {
    this.turns.queue(this);
  }

  /** @param again a retry, a redrive or a replay */
  begun(again: boolean): void {
    this.#again = again;
    this.turns.begun(this);
  }

  /** A request ended; whoever says so says {@link ready} when it is done with it. */
  ended(failed: boolean): void {
    this.#failed = failed;
    this.turns.ended(this);
  }

  leave(): void {
    this.isLeft = true;
  }
}

/** Seats in the order they came, each at most once in any ring. */
class Ring {
  #head: Seat | undefined;
  #tail: Seat | undefined;

  get isEmpty(): boolean {
    return this.#head === undefined;
  }

  push(seat: Seat): void {
    if (seat.isQueued) return;
    seat.isQueued = true;
    if (this.#tail === undefined) this.#head = seat;
    else this.#tail.next = seat;
    this.#tail = seat;
  }

  shift(): Seat | undefined {
    const seat = this.#head;
    if (seat === undefined) return undefined;
    this.#head = seat.next;
    if (this.#head === undefined) this.#tail = undefined;
    seat.next = undefined;
    seat.isQueued = false;
    return seat;
  }
}
