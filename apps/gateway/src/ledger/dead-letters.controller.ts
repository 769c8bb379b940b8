import { Access, By, type Caller } from '@heddle/auth';
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { type NamePage, namePage, pageOf } from '../management/name-page.js';
import { DeadLetterList } from './dead-letter-list.js';
import {
  type DeadLettersQuery,
  type RedriveRequest,
  type RedriveView,
  type deadLetterDetailShape,
  type deadLettersShape,
  deadLettersQuery,
  redriveBody,
} from './ledger.shape.js';
import { Redrives } from './redrive.js';

/** Which queues, is asked letter by letter. */
const replays = { verb: 'replay', kind: 'queue' } as const;

/** What was given up, and how it comes back. */
@Controller('v1/dead-letters')
export class DeadLettersController {
  constructor(
    @Inject(DeadLetterList) private readonly letters: DeadLetterList,
    @Inject(Redrives) private readonly redrives: Redrives,
  ) {}

  @Get()
  @Access('client')
  list(
    @By() caller: Caller,
    @Query({ schema: deadLettersQuery }) query: DeadLettersQuery,
  ): Promise<z.infer<typeof deadLettersShape>> {
    return this.letters.list(caller, query);
  }

  @Post('redrive')
  @Access(replays)
  async redrive(
    @By() caller: Caller,
    @Body({ schema: redriveBody }) body: RedriveRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RedriveView> {
    const view = await this.redrives.begin(caller, body);
    void reply.status(view.state === 'counted' ? 200 : 202);
    if (view.state !== 'counted') void reply.header('location', `/v1/dead-letters/redrives/${view.id}`);
    return view;
  }

  @Get('redrives')
  @Access('client')
  async listRedrives(
    @By() caller: Caller,
    @Query({ schema: namePage }) page: NamePage,
  ): Promise<{ redrives: RedriveView[]; next?: string }> {
    const { entries, ...next } = pageOf(await this.redrives.list(caller), page, ({ id }) => id, 'falling');
    return { redrives: entries, ...next };
  }

  @Get('redrives/:id')
  @Access('client')
  readRedrive(@By() caller: Caller, @Param('id') id: string): Promise<RedriveView> {
    return this.redrives.get(caller, id);
  }

  @Post('redrives/:id/stop')
  @HttpCode(200)
  @Access(replays)
  stopRedrive(@By() caller: Caller, @Param('id') id: string): Promise<RedriveView> {
    return this.redrives.stop(caller, id);
  }

  @Get(':id')
  @Access(replays)
  read(@By() caller: Caller, @Param('id') id: string): Promise<z.infer<typeof deadLetterDetailShape>> {
    return this.letters.get(caller, id);
  }
}
