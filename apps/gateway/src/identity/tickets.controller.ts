import { Access, By, type Caller } from '@heddle/auth';
import { Body, Controller, HttpCode, Inject, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { ticketRequestShape } from './clients.shape.js';
import { type Ticket, Tickets } from './tickets.js';

const request = { schema: ticketRequestShape };

/** Tickets for pages. */
@Controller('v1/tickets')
export class TicketsController {
  constructor(@Inject(Tickets) private readonly tickets: Tickets) {}

  @Post()
  @Access('client')
  @HttpCode(201)
  async issue(
    @By() caller: Caller,
    @Body(request) { path }: z.output<typeof ticketRequestShape>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Ticket> {
    void reply.header('cache-control', 'no-store');
    return this.tickets.issue(caller, path);
  }
}
