import type { DeliveryQueue } from './delivery-queue.js';
import { shownOffsets } from './queue-offsets.js';
import { RateMeter } from './rate-meter.js';
import type { ReplayDefinition, ReplayReport } from './replay.js';
import type { ReplayView } from './replay.shape.js';
import { sizeOf } from './replay-window.js';

/** A replay that its owner works on: its lane beside the queue, and what came of it so far. */
export class ReplayAtWork {
  readonly meter = new RateMeter(Date.now());
  /** What is under way to end it, so that it ends once. */
  ending: Promise<void> | undefined;
  storedAt = Date.now();

  constructor(
    public definition: ReplayDefinition,
    readonly queue: DeliveryQueue,
    readonly lane: DeliveryQueue,
    /** Takes its lane out of the queue's turns. */
    readonly detach: () => void,
    /** What earlier owners had counted. */
    private readonly before: ReplayReport,
  ) {}

  get report(): ReplayReport {
    const { taken, accepted, dead, dropped } = this.lane.statistics;
    return {
      taken: this.before.taken + taken,
      accepted: this.before.accepted + accepted,
      dead: this.before.dead + dead,
      dropped: this.before.dropped + dropped,
    };
  }

  /** Its definition with what is known now. */
  get current(): ReplayDefinition {
    return { ...this.definition, report: this.report };
  }

  noteRate(now: number): void {
    this.meter.note(this.#throughput(now));
  }

  view(): ReplayView {
    const now = Date.now();
    const { statistics } = this.lane;
    const open = statistics.ready + statistics.leased + statistics.waiting;
    const lookedAt = this.#lookedAt();
    const of = sizeOf(this.definition);
    const perSecond = this.meter.perSecond(this.#throughput(now)).out;
    // What is still to be looked at is taken to be wanted as often as what was.
    const left = open + (lookedAt === 0 ? of : ((of - lookedAt) * this.report.taken) / lookedAt);
    return {
      ...replayView(this.current),
      progress: {
        lookedAt,
        of,
        open,
        perSecond,
        ...(perSecond === 0 ? {} : { etaSeconds: Math.ceil(left / perSecond) }),
        gaps: statistics.gaps.reduce((sum, { count }) => sum + count, 0),
      },
    };
  }

  #lookedAt(): number {
    const { start, end } = this.definition;
    let looked = 0;
    for (const [topic, ends] of Object.entries(end)) {
      ends.forEach((offset, partition) => {
        looked += Math.min(this.lane.wantedFrom(topic, partition), offset) - (start[topic]?.[partition] ?? 0);
      });
    }
    return looked;
  }

  #throughput(at: number): { at: number; in: number; out: number } {
    const { taken, accepted, dead, dropped } = this.lane.statistics;
    return { at, in: taken, out: accepted + dead + dropped };
  }
}

/** A replay as it is shown by whoever knows its definition. */
export function replayView(definition: ReplayDefinition): ReplayView {
  const { id, queue, state, start, end, key, eventIds, filter, ratePerSecond, requestedAt, endedAt, report } =
    definition;
  return {
    id,
    queue,
    state,
    start: shownOffsets(start),
    end: shownOffsets(end),
    ...(key === undefined ? {} : { key }),
    ...(eventIds === undefined ? {} : { eventIds }),
    filter,
    ratePerSecond,
    requestedAt,
    ...(endedAt === undefined ? {} : { endedAt }),
    report,
  };
}
