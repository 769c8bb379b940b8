import type { IncomingMessage } from 'node:http';
import { HeddleError } from '@heddle/event';
import { answerState, mayMatch } from '@heddle/mesh';
import type { OnModuleInit } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ContractService } from './contract.service.js';
import type { Contract } from './contract.shape.js';
import { announcedDigest } from './document-digest.js';
import { tooLarge } from './documents.js';

/** A media type as it may stand in an event and in the header of an answer. */
const MEDIA_TYPE =
  /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:[ \t]*;[ \t]*[\w!#$&^.+-]+=(?:[\w!#$&^.+-]+|"[\x20\x21\x23-\x5b\x5d-\x7e]*"))*$/;
const MEDIA_TYPE_CHARS = 127;
/** Of a document that nobody says anything about (RFC 9110 §8.3). */
const ANY_BYTES = 'application/octet-stream';

/**
 * `PUT /contracts/{key}/document`: a document of any media type, taken in as it comes. It is a route outside of Nest's
 * controllers, for those are given bodies that were read and parsed before.
 */
export class DocumentUpload implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly contracts: Pick<ContractService, 'attachDocument'>,
    private readonly limitBytes: number,
  ) {}

  onModuleInit(): void {
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    void server.register((scope, _options, ready) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
      const config = { access: { verb: 'publish', kind: 'type' } } as const;
      scope.put('/contracts/:key/document', { config }, (request, reply) => this.#put(request, reply));
      ready();
    });
  }

  async #put(request: FastifyRequest, reply: FastifyReply): Promise<Contract> {
    const { headers, body } = request;
    mustBePlain(headers['content-encoding']);
    if (body === undefined) throw new HeddleError('body-invalid', 'The body of the request is to be the document.');
    if (Number(headers['content-length'] ?? 0) > this.limitBytes) throw tooLarge(this.limitBytes);
    const document = {
      mediaType: mediaTypeOf(headers['content-type']),
      body: body as IncomingMessage,
      sha256: announcedDigest(headers),
    };
    return answerState(reply, await this.contracts.attachDocument(mayMatch(request), document));
  }
}

/** @throws HeddleError `encoding-unsupported` */
function mustBePlain(coding: string | undefined): void {
  if (coding === undefined || coding.trim().toLowerCase() === 'identity') return;
  throw new HeddleError('encoding-unsupported', 'Documents are taken as they are, and not unpacked: use identity.', {
    field: 'content-encoding',
  });
}

/** @throws HeddleError `content-type-unsupported` */
function mediaTypeOf(header: string | undefined): string {
  const mediaType = header?.trim() ?? ANY_BYTES;
  if (mediaType.length <= MEDIA_TYPE_CHARS && MEDIA_TYPE.test(mediaType)) return mediaType;
  throw new HeddleError(
    'content-type-unsupported',
    `A media type is named as type/subtype, in at most ${MEDIA_TYPE_CHARS} characters.`,
    { field: 'content-type' },
  );
}
