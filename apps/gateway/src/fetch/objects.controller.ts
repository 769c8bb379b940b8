import { Access, By, type Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { Controller, Get, Headers, Inject, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Objects } from './objects.js';

/** The query of `GET /v1/objects/{object}/{key}`. */
export const objectQuery = z.strictObject({
  version: z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .optional()
    .describe('the least version that will do, as the dataref of a notification names it'),
});

/** Notify, then fetch: the object a notification speaks of, never older than the notification. */
@Controller('v1/objects')
export class ObjectsController {
  constructor(@Inject(Objects) private readonly objects: Objects) {}

  /** Which of the types that are about the object, is asked where those are known. */
  @Get(':object/:key')
  @Access({ verb: 'fetch', kind: 'type' })
  async read(
    @By() caller: Caller,
    @Param('object') object: string,
    @Param('key') key: string,
    @Query({ schema: objectQuery }) { version }: z.infer<typeof objectQuery>,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const answer = await this.objects.fetchFor(caller, object, key, version);
    void reply.header('etag', answer.etag).header('cache-control', 'no-cache');
    if (answer.kind === 'tombstone') {
      throw new HeddleError('object-gone', `${object} ${key} was deleted, which made version ${answer.version} of it.`);
    }
    if (ifNoneMatch !== undefined && matches(ifNoneMatch, answer.etag)) {
      await reply.status(304).send();
      return;
    }
    await reply.status(200).type('application/json').send(answer.body);
  }
}

/** If-None-Match compares weakly, against each of a list (RFC 9110 §13.1.2). */
function matches(header: string, etag: string): boolean {
  return header.split(',').some((entry) => entry.trim() === '*' || entry.trim().replace(/^W\//, '') === etag);
}
