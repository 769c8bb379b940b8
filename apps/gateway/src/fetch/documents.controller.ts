import { Access, By, type Caller } from '@heddle/auth';
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
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const isHead = reply.request.method === 'HEAD';
    const { headers, body } = await this.documents.open(caller, { object, key, sha256, known, isHead });
    void reply.headers(headers);
    // Not waited for: what goes wrong from here on ends the connection, for there is no other answer left to give.
    if (body === undefined) void reply.status(304).send();
    else void reply.status(200).send(body);
  }
}
