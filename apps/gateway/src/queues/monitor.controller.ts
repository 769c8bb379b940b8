import { Access, By, type Caller } from '@heddle/auth';
import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import type { z } from 'zod';
import { type MonitorQuery, type monitorShape, monitorQuery } from '../ledger/ledger.shape.js';
import { QueueMonitor } from '../ledger/queue-monitor.js';
import { checkQueueName } from './queue.shape.js';
import { Queues } from './queues.js';

/** What became of the events of a queue. */
@Controller('v1/queues/:name')
export class MonitorController {
  constructor(
    @Inject(Queues) private readonly queues: Queues,
    @Inject(QueueMonitor) private readonly monitor: QueueMonitor,
  ) {}

  @Get('monitor')
  @Access('client')
  async read(
    @By() caller: Caller,
    @Param('name') name: string,
    @Query({ schema: monitorQuery }) query: MonitorQuery,
  ): Promise<z.infer<typeof monitorShape>> {
    const queue = checkQueueName(name);
    const { statistics } = this.queues.get(caller, queue);
    const { uuid } = this.queues.working(caller.tenant, queue).definition;
    const counted = await this.monitor.of({ tenant: caller.tenant, name: queue, uuid }, query);
    const { ready = 0, leased = 0, waiting = 0 } = statistics ?? {};
    return { queue, held: ready + leased + waiting, ...counted };
  }
}
