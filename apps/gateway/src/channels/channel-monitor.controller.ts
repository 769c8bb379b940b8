import { Access, By, type Caller } from '@heddle/auth';
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import {
  type MonitorQuery,
  type QueueEventsQuery,
  type RedriveView,
  monitorQuery,
  queueEventsQuery,
  type queueEventsShape,
} from '../ledger/ledger.shape.js';
import { checkQueueName } from '../queues/queue.shape.js';
import { type TestEventsAnswer, type TestEventsRequest, TestEvents, testEventsShape } from '../queues/test-events.js';
import { ChannelMonitor } from './channel-monitor.js';
import { type RetryRequest, type channelMonitorShape, retryShape } from './channel.shape.js';
import { Channels } from './channels.js';

const tests = { schema: testEventsShape };
const retries = { schema: retryShape };

/** What leaves a channel, tried and watched. */
@Controller('v1/channels/:name')
export class ChannelMonitorController {
  constructor(
    @Inject(Channels) private readonly channels: Channels,
    @Inject(ChannelMonitor) private readonly watch: ChannelMonitor,
    @Inject(TestEvents) private readonly testEvents: TestEvents,
  ) {}

  @Post('test-events')
  @HttpCode(202)
  @Access({ verb: 'publish', kind: 'queue', param: 'name' })
  produce(
    @By() caller: Caller,
    @Param('name') name: string,
    @Body(tests) request: TestEventsRequest,
  ): Promise<TestEventsAnswer> {
    return this.testEvents.produce(caller, this.channels.definition(caller, checkQueueName(name)), request);
  }

  @Get('monitor')
  @Access('client')
  monitor(
    @By() caller: Caller,
    @Param('name') name: string,
    @Query({ schema: monitorQuery }) query: MonitorQuery,
  ): Promise<z.infer<typeof channelMonitorShape>> {
    return this.watch.counts(caller, checkQueueName(name), query);
  }

  @Get('events')
  @Access('client')
  events(
    @By() caller: Caller,
    @Param('name') name: string,
    @Query({ schema: queueEventsQuery }) query: QueueEventsQuery,
  ): Promise<z.infer<typeof queueEventsShape>> {
    return this.watch.events(caller, checkQueueName(name), query);
  }

  @Post('retry')
  @Access({ verb: 'replay', kind: 'queue', param: 'name' })
  async retry(
    @By() caller: Caller,
    @Param('name') name: string,
    @Body(retries) request: RetryRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RedriveView> {
    const view = await this.watch.retry(caller, checkQueueName(name), request);
    void reply.status(view.state === 'counted' ? 200 : 202);
    if (view.state !== 'counted') void reply.header('location', `/v1/dead-letters/redrives/${view.id}`);
    return view;
  }
}
