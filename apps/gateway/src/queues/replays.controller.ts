import { Access, By, type Caller } from '@heddle/auth';
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { EventTimeline } from '../ledger/event-timeline.js';
import { type NamePage, namePage, pageOf } from '../management/name-page.js';
import { checkQueueName } from './queue.shape.js';
import { placesOf } from './replay-places.js';
import { type ReplayCount, type ReplayRequest, type ReplayView, replayRequestShape } from './replay.shape.js';
import { Replays } from './replays.js';

const body = { schema: replayRequestShape };
const replays = { verb: 'replay', kind: 'queue', param: 'name' } as const;

/** Stored events of a queue, delivered again. */
@Controller('v1/queues/:name')
export class ReplaysController {
  constructor(
    @Inject(Replays) private readonly replays: Replays,
    @Inject(EventTimeline) private readonly timeline: EventTimeline,
  ) {}

  @Post('replay')
  @Access(replays)
  async begin(
    @By() caller: Caller,
    @Param('name') name: string,
    @Body(body) request: ReplayRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReplayView | ReplayCount> {
    const queue = checkQueueName(name);
    const locate = (ids: readonly string[]) => placesOf(this.timeline, caller.tenant, ids);
    void reply.status(request.dryRun ? 200 : 202);
    if (request.dryRun) return this.replays.count(caller, queue, request, locate);
    const view = await this.replays.begin(caller, queue, request, locate);
    void reply.header('location', `/v1/queues/${queue}/replays/${view.id}`);
    return view;
  }

  @Get('replays')
  @Access('client')
  list(
    @By() caller: Caller,
    @Param('name') name: string,
    @Query({ schema: namePage }) page: NamePage,
  ): { replays: ReplayView[]; next?: string } {
    const { entries, ...next } = pageOf(
      this.replays.list(caller, checkQueueName(name)),
      page,
      ({ id }) => id,
      'falling',
    );
    return { replays: entries, ...next };
  }

  @Get('replays/:id')
  @Access('client')
  read(@By() caller: Caller, @Param('name') name: string, @Param('id') id: string): ReplayView {
    return this.replays.get(caller, checkQueueName(name), id);
  }

  @Post('replays/:id/stop')
  @HttpCode(200)
  @Access(replays)
  stop(@By() caller: Caller, @Param('name') name: string, @Param('id') id: string): Promise<ReplayView> {
    return this.replays.stop(caller, checkQueueName(name), id);
  }
}
