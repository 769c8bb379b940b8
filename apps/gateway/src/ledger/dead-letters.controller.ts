import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
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

/** Nobody is asked yet who they are. */
const WHO = 'anonymous';

/** What was given up, and how it comes back. */
@Controller('v1/dead-letters')
export class DeadLettersController {
  constructor(
    @Inject(DeadLetterList) private readonly letters: DeadLetterList,
    @Inject(Redrives) private readonly redrives: Redrives,
  ) {}

  @Get()
  list(@Query({ schema: deadLettersQuery }) query: DeadLettersQuery): Promise<z.infer<typeof deadLettersShape>> {
    return this.letters.list(query);
  }

  @Post('redrive')
  async redrive(
    @Body({ schema: redriveBody }) body: RedriveRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RedriveView> {
    const view = await this.redrives.begin(body, WHO);
    void reply.status(view.state === 'counted' ? 200 : 202);
    return view;
  }

  @Get('redrives')
  async listRedrives(): Promise<{ redrives: RedriveView[] }> {
    return { redrives: await this.redrives.list() };
  }

  @Get('redrives/:id')
  readRedrive(@Param('id') id: string): Promise<RedriveView> {
    return this.redrives.get(id);
  }

  @Post('redrives/:id/stop')
  @HttpCode(200)
  stopRedrive(@Param('id') id: string): Promise<RedriveView> {
    return this.redrives.stop(id, WHO);
  }

  @Get(':id')
  read(@Param('id') id: string): Promise<z.infer<typeof deadLetterDetailShape>> {
    return this.letters.get(id);
  }
}
