import { type Caller, requirePermission } from '@heddle/auth';
import { fieldInvalid } from '@heddle/event';
import type { z } from 'zod';
import type { DeadLetterList } from '../ledger/dead-letter-list.js';
import type { MonitorQuery, QueueEventsQuery, RedriveView, queueEventsShape } from '../ledger/ledger.shape.js';
import type { QueueEventList } from '../ledger/queue-events.js';
import type { QueueMonitor } from '../ledger/queue-monitor.js';
import type { Redrives } from '../ledger/redrive.js';
import { countByBinding } from './binding-counts.js';
import type { RetryRequest, channelMonitorShape } from './channel.shape.js';
import type { Channels } from './channels.js';

/** What channels are watched by: the ledger's look-ups. */
export interface ChannelLookUps {
  monitor: Pick<QueueMonitor, 'of'>;
  queueEvents: Pick<QueueEventList, 'of'>;
  deadLetters: Pick<DeadLetterList, 'selectIds'>;
  redrives: Pick<Redrives, 'begin'>;
}

/** What became of the events of a channel, and another try for those that failed. */
export class ChannelMonitor {
  constructor(
    private readonly channels: Channels,
    private readonly lookUps: ChannelLookUps,
  ) {}

  /** Counts by binding. @throws HeddleError `permission-missing`, `not-found`, `queue-elsewhere` */
  async counts(caller: Caller, name: string, query: MonitorQuery): Promise<z.infer<typeof channelMonitorShape>> {
    const { active, bindings, statistics } = this.channels.get(caller, name);
    const { types, ...window } = await this.lookUps.monitor.of(this.channels.definition(caller, name), query);
    const { ready = 0, leased = 0, waiting = 0 } = statistics ?? {};
    return { channel: name, active, held: ready + leased + waiting, ...window, ...countByBinding(bindings, types) };
  }

  /** One by one. @throws HeddleError `permission-missing`, `not-found`, `queue-elsewhere` */
  events(caller: Caller, name: string, query: QueueEventsQuery): Promise<z.infer<typeof queueEventsShape>> {
    this.channels.get(caller, name);
    return this.lookUps.queueEvents.of(this.channels.definition(caller, name), query);
  }

  /**
   * Puts dead letters of the channel back into it: a redrive, which is followed as any other.
   *
   * @throws HeddleError `permission-missing`, `not-found`; `data-invalid` for letters of others; `index-behind`
   */
  async retry(caller: Caller, name: string, { ids, type, ...how }: RetryRequest): Promise<RedriveView> {
    requirePermission(caller, 'replay', 'queue', name);
    this.channels.definition(caller, name);
    const { deadLetters, redrives } = this.lookUps;
    if (ids === undefined) return redrives.begin(caller, { filter: { queue: name, type }, ...how });
    const found = await deadLetters.selectIds(caller.tenant, ids);
    if (found.every(({ queue }) => queue?.name === name)) return redrives.begin(caller, { ids, ...how });
    throw fieldInvalid('ids', `are to be dead letters of the channel ${name}: its events say which are`);
  }
}
