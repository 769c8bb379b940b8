import { Access, By, type Caller } from '@heddle/auth';
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type NamePage, answeredPage, namePage } from '../management/name-page.js';
import { Check, type VersionCheck, answerPut, withVersion } from '../management/version-check.js';
import type { QueueView } from './queue-view.js';
import { type PurgeRequest, type QueueRequest, checkQueueName, purgeShape, queueShape } from './queue.shape.js';
import { Queues } from './queues.js';

const body = { schema: queueShape };
const manages = { verb: 'manage', kind: 'queue', param: 'name' } as const;
const purge = { schema: purgeShape };

/** The management of queues. */
@Controller('v1/queues')
export class QueuesController {
  constructor(@Inject(Queues) private readonly queues: Queues) {}

  @Get()
  @Access('client')
  list(@By() caller: Caller, @Query({ schema: namePage }) page: NamePage): { queues: QueueView[]; next?: string } {
    const { entries, ...next } = answeredPage(page, (of) => this.queues.list(caller, of));
    return { queues: entries, ...next };
  }

  @Get(':name')
  @Access('client')
  read(@By() caller: Caller, @Param('name') name: string, @Res({ passthrough: true }) reply: FastifyReply): QueueView {
    return withVersion(reply, this.queues.get(caller, checkQueueName(name)));
  }

  @Put(':name')
  @Access(manages)
  async put(
    @By() caller: Caller,
    @Param('name') name: string,
    @Check() check: VersionCheck,
    @Body(body) request: QueueRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<QueueView> {
    return answerPut(reply, await this.queues.put(caller, checkQueueName(name), request, check));
  }

  @Delete(':name')
  @HttpCode(204)
  @Access(manages)
  async delete(@By() caller: Caller, @Param('name') name: string, @Check() check: VersionCheck): Promise<void> {
    await this.queues.delete(caller, checkQueueName(name), check);
  }

  @Post(':name/pause')
  @HttpCode(200)
  @Access(manages)
  async pause(
    @By() caller: Caller,
    @Param('name') name: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<QueueView> {
    return withVersion(reply, await this.queues.pause(caller, checkQueueName(name), true));
  }

  @Post(':name/resume')
  @HttpCode(200)
  @Access(manages)
  async resume(
    @By() caller: Caller,
    @Param('name') name: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<QueueView> {
    return withVersion(reply, await this.queues.pause(caller, checkQueueName(name), false));
  }

  @Post(':name/purge')
  @HttpCode(200)
  @Access(manages)
  async purge(
    @By() caller: Caller,
    @Param('name') name: string,
    @Body(purge) request: PurgeRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<QueueView> {
    return withVersion(reply, await this.queues.purge(caller, checkQueueName(name), request));
  }
}
