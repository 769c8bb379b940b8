import { Body, Controller, Get, HttpCode, Inject, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { EventTimeline } from '../ledger/event-timeline.js';
import { namingNearest } from './nearest-field.js';
import { checkQueueName } from './queue.shape.js';
import { placesOf } from './replay-places.js';
import { type ReplayCount, type ReplayRequest, type ReplayView, replayRequestShape } from './replay.shape.js';
import { Replays } from './replays.js';

const body = { schema: namingNearest(replayRequestShape) };
/** Nobody is asked yet who they are. */
const WHO = 'anonymous';

/** Stored events of a queue, delivered again. */
@Controller('v1/queues/:name')
export class ReplaysController {
  constructor(
    @Inject(Replays) private readonly replays: Replays,
    @Inject(EventTimeline) private readonly timeline: EventTimeline,
  ) {}

  @Post('replay')
  async begin(
    @Param('name') name: string,
    @Body(body) request: ReplayRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReplayView | ReplayCount> {
    const queue = checkQueueName(name);
    const locate = (ids: readonly string[]) => placesOf(this.timeline, ids);
    void reply.status(request.dryRun ? 200 : 202);
    if (request.dryRun) return this.replays.count(queue, request, locate);
    const view = await this.replays.begin(queue, request, WHO, locate);
    void reply.header('location', `/v1/queues/${queue}/replays/${view.id}`);
    return view;
  }

  @Get('replays')
  list(@Param('name') name: string): { replays: ReplayView[] } {
    return { replays: this.replays.list(checkQueueName(name)) };
  }

  @Get('replays/:id')
  read(@Param('name') name: string, @Param('id') id: string): ReplayView {
    return this.replays.get(checkQueueName(name), id);
  }

  @Post('replays/:id/stop')
  @HttpCode(200)
  stop(@Param('name') name: string, @Param('id') id: string): Promise<ReplayView> {
    return this.replays.stop(checkQueueName(name), id, WHO);
  }
}
