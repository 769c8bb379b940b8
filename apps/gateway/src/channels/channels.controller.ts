import { Access, By, type Caller } from '@heddle/auth';
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type NamePage, answeredPage, namePage } from '../management/name-page.js';
import { Check, type VersionCheck, answerPut, withVersion } from '../management/version-check.js';
import { checkQueueName } from '../queues/queue.shape.js';
import { ChannelDocuments } from './channel-documents.js';
import { type ChannelCheck, type ChannelRequest, type ChannelView, channelShape } from './channel.shape.js';
import { Channels } from './channels.js';

const body = { schema: channelShape };
const manages = { verb: 'manage', kind: 'queue', param: 'name' } as const;

/** The management of channels. */
@Controller('v1/channels')
export class ChannelsController {
  constructor(
    @Inject(Channels) private readonly channels: Channels,
    @Inject(ChannelDocuments) private readonly documents: ChannelDocuments,
  ) {}

  @Get()
  @Access('client')
  list(@By() caller: Caller, @Query({ schema: namePage }) page: NamePage): { channels: ChannelView[]; next?: string } {
    const { entries, ...next } = answeredPage(page, (of) => this.channels.list(caller, of));
    return { channels: entries, ...next };
  }

  @Get(':name')
  @Access('client')
  read(
    @By() caller: Caller,
    @Param('name') name: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): ChannelView {
    return withVersion(reply, this.channels.get(caller, checkQueueName(name)));
  }

  @Get(':name/check')
  @Access('client')
  check(@By() caller: Caller, @Param('name') name: string): ChannelCheck {
    return this.channels.check(caller, checkQueueName(name));
  }

  @Get(':name/asyncapi')
  @Access('client')
  asyncApi(@By() caller: Caller, @Param('name') name: string): object {
    return this.documents.of(caller, checkQueueName(name));
  }

  @Put(':name')
  @Access(manages)
  async put(
    @By() caller: Caller,
    @Param('name') name: string,
    @Check() check: VersionCheck,
    @Body(body) request: ChannelRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ChannelView> {
    return answerPut(reply, await this.channels.put(caller, checkQueueName(name), request, check));
  }

  @Delete(':name')
  @HttpCode(204)
  @Access(manages)
  async delete(@By() caller: Caller, @Param('name') name: string, @Check() check: VersionCheck): Promise<void> {
    await this.channels.delete(caller, checkQueueName(name), check);
  }

  @Post(':name/activate')
  @HttpCode(200)
  @Access(manages)
  async activate(
    @By() caller: Caller,
    @Param('name') name: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ChannelView> {
    return withVersion(reply, await this.channels.activate(caller, checkQueueName(name), true));
  }

  @Post(':name/deactivate')
  @HttpCode(200)
  @Access(manages)
  async deactivate(
    @By() caller: Caller,
    @Param('name') name: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ChannelView> {
    return withVersion(reply, await this.channels.activate(caller, checkQueueName(name), false));
  }
}
