import { Access, By, type Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { Controller, Get, Headers, Inject, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Documents } from './documents.js';

/** The query of `GET /v1/objects/{object}/{key}/document`. */
export const documentQuery = z.strictObject({
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in 64 hexadecimal digits')
    .optional()
    .describe('the hash of the one document that will do, as an event names it'),
});

/** The document that belongs to an object, handed on from its owner as it comes. */
@Controller('v1/objects')
export class DocumentsController {
  constructor(@Inject(Documents) private readonly documents: Documents) {}

  /** Which of the types that are about the object, is asked where those are known. */
  @Get(':object/:key/document')
  @Access({ verb: 'fetch', kind: 'type' })
  async read(
    @By() caller: Caller,
    @Param('object') object: string,
    @Param('key') key: string,
    @Query({ schema: documentQuery }) { sha256 }: z.infer<typeof documentQuery>,
    @Headers('if-none-match') known: string | undefined,
    @Headers('range') range: string | undefined,
    @Headers('if-range') ifRange: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const isHead = reply.request.method === 'HEAD';
    const wish = { object, key, sha256, known, range, ifRange, isHead };
    const { status, headers, body } = await this.documents.open(caller, wish);
    void reply.headers(headers);
    if (status === 416) {
      throw new HeddleError('range-unsatisfiable', `The document of ${object} ${key} has none of these bytes.`, {
        field: 'range',
      });
    }
    // Not waited for: what goes wrong from here on ends the connection, for there is no other answer left to give.
    void reply.status(status).send(body);
  }
}
