import { Access, By, type Caller } from '@heddle/auth';
import { Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Monitor } from './monitor.js';
import {
  type MessageView,
  type MessagesQuery,
  type flowsShape,
  messagesQuery,
  type messagesShape,
} from './monitor.shape.js';

/** Which flows, is asked flow by flow. */
const manages = { verb: 'manage', kind: 'flow' } as const;

@Controller()
export class MonitorController {
  constructor(@Inject(Monitor) private readonly monitor: Monitor) {}

  @Access(manages)
  @Get('flows')
  flows(@By() caller: Caller): z.infer<typeof flowsShape> {
    return this.monitor.flows(caller);
  }

  @Access(manages)
  @Get('messages')
  list(@By() caller: Caller, @Query({ schema: messagesQuery }) query: MessagesQuery): z.infer<typeof messagesShape> {
    return this.monitor.list(caller, query);
  }

  @Access(manages)
  @Get('messages/:id')
  get(@By() caller: Caller, @Param('id') id: string): MessageView {
    return this.monitor.get(caller, id);
  }

  @Access(manages)
  @Post('messages/:id/retry')
  @HttpCode(202)
  retry(@By() caller: Caller, @Param('id') id: string): Promise<MessageView> {
    return this.monitor.retry(caller, id);
  }

  @Access(manages)
  @Post('messages/:id/cancel')
  @HttpCode(202)
  cancel(@By() caller: Caller, @Param('id') id: string): MessageView {
    return this.monitor.cancel(caller, id);
  }
}
