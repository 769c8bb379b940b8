import { type Kind, type Spec, type View, pick } from './kind.js';

const DEFAULTS = { filter: [], leaseMs: 30_000, deadLetters: true, maxInFlight: 1000, shape: 'notify' } as const;
const EXPONENTIAL = ['firstMs', 'factor', 'capMs', 'attempts'] as const;

interface QueueView extends View {
  statistics?: { ready: number; leased: number; waiting: number; dead: number; oldestAgeMs?: number };
}

export const queueKind: Kind = {
  name: 'queue',
  path: '/v1/queues',
  list: 'queues',
  columns: [
    { title: 'name', of: ({ name }) => String(name) },
    { title: 'order', of: ({ order }) => String(order) },
    { title: 'ready', of: (view) => statistics(view)?.ready, align: 'right' },
    { title: 'leased', of: (view) => statistics(view)?.leased, align: 'right' },
    { title: 'waiting', of: (view) => statistics(view)?.waiting, align: 'right' },
    { title: 'dead', of: (view) => statistics(view)?.dead, align: 'right' },
    { title: 'state', of: ({ paused, ...view }) => (paused ? 'paused' : ownerOf(view)) },
    { title: 'types', of: ({ types }) => (types as string[]).join(' ') },
  ],
  nameOf: ({ name }) => String(name),
  isPart: ({ webhook, bindings }) => webhook !== undefined || bindings !== undefined,
  specOf: (view) => Promise.resolve({ ...queueSpec(view), paused: view['paused'] }),
  whole: (wanted, present) => ({
    paused: present?.['paused'] ?? false,
    ...wholeQueue(wanted, present),
  }),
  onlyNew: ['start', 'end'],
};

/** The settings of a queue, its own or that of a webhook. */
export function queueSpec(view: View): Spec {
  const retry = writtenRetry(view['retry'] as Spec);
  return {
    ...pick(view, ['types', 'topics', 'filter', 'order', 'leaseMs']),
    retry,
    ...pick(view, ['deadLetters', 'ttlMs', 'maxInFlight', 'shape']),
  };
}

/** Order and topics cannot be changed, and the usual schedule is known to the gateway alone: left out, they stay. */
export function wholeQueue(wanted: Spec, present: Spec | undefined): Spec {
  const stays = present === undefined ? {} : pick(present, ['order', 'topics', 'retry']);
  const { retry, ...rest } = wanted;
  const whole = { ...DEFAULTS, ...stays, ...rest };
  if (retry === undefined) return whole;
  return { ...whole, retry: wholeRetry(retry as Spec, present?.['retry'] as Spec | undefined) };
}

/** A list of delays stands alone, and so do the words for a growing delay. */
function wholeRetry(wanted: Spec, present: Spec = {}): Spec {
  const other = 'delaysMs' in wanted ? EXPONENTIAL : EXPONENTIAL.some((name) => name in wanted) ? ['delaysMs'] : [];
  const stays = Object.entries(present).filter(([name]) => !(other as readonly string[]).includes(name));
  return { ...Object.fromEntries(stays), ...wanted };
}

function writtenRetry(retry: Spec): Spec {
  const { delaysMs, jitter, maxAgeMs } = retry;
  return delaysMs === undefined ? retry : { delaysMs, jitter, maxAgeMs };
}

function ownerOf({ webhook, bindings }: View): string {
  return webhook !== undefined ? 'of a webhook' : bindings === undefined ? '' : 'a channel';
}

function statistics(view: View): QueueView['statistics'] {
  return (view as QueueView).statistics;
}
