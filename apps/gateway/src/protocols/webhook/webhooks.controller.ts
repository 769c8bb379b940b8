import { Access, By, type Caller } from '@heddle/auth';
import { entityTag } from '@heddle/runtime';
import { Body, Controller, Delete, Get, Headers, HttpCode, Inject, Param, Post, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type NamePage, answeredPage, namePage } from '../../management/name-page.js';
import { Check, type VersionCheck } from '../../management/version-check.js';
import type { Consent } from './handshake.js';
import { checkWebhookName } from './webhook.js';
import type { TestView, WebhookView } from './webhook-view.js';
import {
  type RotateRequest,
  type TestRequest,
  type WebhookRequest,
  rotateShape,
  testShape,
  webhookShape,
} from './webhook.shape.js';
import { type WebhookAnswer, Webhooks } from './webhooks.js';

const manages = { verb: 'manage', kind: 'queue', param: 'name' } as const;

const BODIES = {
  webhook: { schema: webhookShape },
  rotate: { schema: rotateShape },
  test: { schema: testShape },
};

/** The management of webhooks. */
@Controller('v1/webhooks')
export class WebhooksController {
  constructor(@Inject(Webhooks) private readonly webhooks: Webhooks) {}

  @Get()
  @Access('client')
  list(@By() caller: Caller, @Query({ schema: namePage }) page: NamePage): { webhooks: WebhookView[]; next?: string } {
    const { entries, ...next } = answeredPage(page, (of) => this.webhooks.list(caller, of));
    return { webhooks: entries, ...next };
  }

  @Get(':name')
  @Access('client')
  read(
    @By() caller: Caller,
    @Param('name') name: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): WebhookView {
    return answer(reply, this.webhooks.get(caller, checkWebhookName(name)));
  }

  @Put(':name')
  @Access(manages)
  async put(
    @By() caller: Caller,
    @Param('name') name: string,
    @Body(BODIES.webhook) body: WebhookRequest,
    @Check() check: VersionCheck,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookView> {
    const put = await this.webhooks.put(caller, checkWebhookName(name), body, check);
    void reply.status(put.created ? 201 : 200);
    return answer(reply, put);
  }

  @Delete(':name')
  @HttpCode(204)
  @Access(manages)
  async delete(@By() caller: Caller, @Param('name') name: string, @Check() check: VersionCheck): Promise<void> {
    await this.webhooks.delete(caller, checkWebhookName(name), check);
  }

  @Post(':name/pause')
  @HttpCode(200)
  @Access(manages)
  async pause(
    @By() caller: Caller,
    @Param('name') name: string,
    @Check() check: VersionCheck,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookView> {
    return answer(reply, await this.webhooks.pause(caller, checkWebhookName(name), check));
  }

  @Post(':name/resume')
  @HttpCode(200)
  @Access(manages)
  async resume(
    @By() caller: Caller,
    @Param('name') name: string,
    @Check() check: VersionCheck,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookView> {
    return answer(reply, await this.webhooks.resume(caller, checkWebhookName(name), check));
  }

  @Post(':name/secrets/rotate')
  @HttpCode(200)
  @Access(manages)
  async rotate(
    @By() caller: Caller,
    @Param('name') name: string,
    @Body(BODIES.rotate) body: RotateRequest,
    @Check() check: VersionCheck,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookView> {
    return answer(reply, await this.webhooks.rotate(caller, checkWebhookName(name), body, check));
  }

  @Post(':name/test')
  @HttpCode(200)
  @Access(manages)
  async test(
    @By() caller: Caller,
    @Param('name') name: string,
    @Body(BODIES.test) body: TestRequest,
  ): Promise<TestView> {
    return this.webhooks.test(caller, checkWebhookName(name), body);
  }

  /** A receiver gives its consent late; by GET, too, so that a person can do it with a browser. */
  @Get('handshake/:token')
  @Access('public')
  async consentByLink(@Param('token') token: string, @Headers('webhook-allowed-rate') rate?: string): ConsentAnswer {
    return this.webhooks.consent(token, rate);
  }

  @Post('handshake/:token')
  @HttpCode(200)
  @Access('public')
  async consent(@Param('token') token: string, @Headers('webhook-allowed-rate') rate?: string): ConsentAnswer {
    return this.webhooks.consent(token, rate);
  }
}

type ConsentAnswer = Promise<{ webhook: string; state: Consent['state'] }>;

function answer(reply: FastifyReply, { version, view }: WebhookAnswer): WebhookView {
  void reply.header('etag', entityTag(version));
  return view;
}
