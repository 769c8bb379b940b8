import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Put, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type WebhookRequest, type WebhookView, checkWebhookName, webhookShape } from './webhook.js';
import { Webhooks } from './webhooks.js';

/** The management of webhooks. */
@Controller('v1/webhooks')
export class WebhooksController {
  constructor(@Inject(Webhooks) private readonly webhooks: Webhooks) {}

  @Get()
  list(): { webhooks: WebhookView[] } {
    return { webhooks: this.webhooks.list() };
  }

  @Get(':name')
  read(@Param('name') name: string): WebhookView {
    return this.webhooks.get(checkWebhookName(name));
  }

  @Put(':name')
  async put(
    @Param('name') name: string,
    @Body({ schema: webhookShape }) body: WebhookRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookView> {
    const { created, view } = await this.webhooks.put(checkWebhookName(name), body);
    void reply.status(created ? 201 : 200);
    return view;
  }

  @Delete(':name')
  @HttpCode(204)
  async delete(@Param('name') name: string): Promise<void> {
    await this.webhooks.delete(checkWebhookName(name));
  }
}
