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
@Controller()
@Access({ verb: 'manage', kind: 'flow' })
export class MonitorController {
  constructor(@Inject(Monitor) private readonly monitor: Monitor) {}

  @Get('flows')
  flows(@By() caller: Caller): z.infer<typeof flowsShape> {
    return this.monitor.flows(caller);
  }

  @Get('messages')
  list(@By() caller: Caller, @Query({ schema: messagesQuery }) query: MessagesQuery): z.infer<typeof messagesShape> {
    return this.monitor.list(caller, query);
  }

  @Get('messages/:id')
  get(@By() caller: Caller, @Param('id') id: string): MessageView {
    return this.monitor.get(caller, id);
  }

  @Post('messages/:id/retry')
  @HttpCode(202)
  retry(@By() caller: Caller, @Param('id') id: string): Promise<MessageView> {
    return this.monitor.retry(caller, id);
  }

  @Post('messages/:id/cancel')
  @HttpCode(202)
  cancel(@By() caller: Caller, @Param('id') id: string): MessageView {
    return this.monitor.cancel(caller, id);
  }
}
