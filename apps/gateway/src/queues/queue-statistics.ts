import type { Holding } from './holding.js';
import type { QueueStatistics } from './queue-host.js';
import type { QueueProgress } from './queue-progress.js';

/** What a queue has counted since its owner took it over. */
export interface QueueCounts {
  taken: number;
  /** Of data, of all that was taken. */
  takenBytes: number;
  accepted: number;
  released: number;
  dead: number;
  dropped: number;
}

export const NOTHING_COUNTED: Readonly<QueueCounts> = {
  taken: 0,
  takenBytes: 0,
  accepted: 0,
  released: 0,
  dead: 0,
  dropped: 0,
};

/** How a queue stands. What is parked has no bytes here: they are taken to be as many as those of others. */
export function statisticsOf(
  leased: number,
  { takenBytes, ...counts }: QueueCounts,
  holding: Pick<Holding, 'counts' | 'oldestParkedAt'>,
  progress: Pick<QueueProgress, 'oldestAppendedAt' | 'gaps'>,
): QueueStatistics {
  const { held, waiting, parked } = holding.counts;
  const ages = [holding.oldestParkedAt, progress.oldestAppendedAt].filter((at) => at !== undefined);
  return {
    ready: Math.max(0, held - leased - waiting),
    leased,
    waiting,
    parked,
    messages: held,
    bytes: counts.taken === 0 ? 0 : Math.round((held * takenBytes) / counts.taken),
    ...counts,
    oldestAppendedAt: ages.length === 0 ? undefined : Math.min(...ages),
    gaps: progress.gaps,
  };
}
