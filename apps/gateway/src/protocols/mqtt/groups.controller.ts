import { Access } from '@heddle/auth';
import { Body, Controller, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ShareQueues } from './share-queues.js';
import { type GroupChange, groupShape } from './share.shape.js';

/** How a session at one instance has the queue of its group made, or deleted, at the one that works on it. */
@Controller('v1/tenants/:tenant/queues/:name/group')
export class GroupsController {
  constructor(@Inject(ShareQueues) private readonly shares: ShareQueues) {}

  @Post()
  @HttpCode(204)
  @Access('instance')
  async change(@Param('tenant') tenant: string, @Body({ schema: groupShape }) change: GroupChange): Promise<void> {
    await this.shares.change(tenant, change);
  }
}
