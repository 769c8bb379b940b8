import {
  type ChangeRequest,
  Changes,
  type ListQuery,
  MustMatch,
  Origin,
  type OriginOfChange,
  Reads,
  answerPage,
  answerRead,
  answerState,
  keyShape,
  listQueryShape,
} from '@heddle/mesh';
import { Body, Controller, Get, Headers, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { BusinessPartnerService } from './business-partner.service.js';
import {
  type BusinessPartner,
  type NewPartner,
  type PartnerPatch,
  newPartnerShape,
  partnerPatchShape,
} from './business-partner.shape.js';

const PATH = '/business-partners';

@Controller('business-partners')
export class BusinessPartnerController {
  constructor(private readonly partners: BusinessPartnerService) {}

  @Changes()
  @Post()
  async create(
    @Body({ schema: newPartnerShape }) input: NewPartner,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BusinessPartner> {
    const stored = await this.partners.create(input, origin);
    void reply.header('location', `${PATH}/${stored.key}`);
    return answerState(reply, stored);
  }

  @Reads()
  @Get()
  async list(
    @Query({ schema: listQueryShape }) query: ListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ value: BusinessPartner[]; next: string | null }> {
    return answerPage(reply, PATH, await this.partners.list(query));
  }

  @Reads()
  @Get(':key')
  async read(
    @Param('key', { schema: keyShape }) key: string,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BusinessPartner | undefined> {
    return answerRead(reply, await this.partners.read(key), ifNoneMatch);
  }

  @Changes()
  @Patch(':key')
  async change(
    @MustMatch() request: ChangeRequest,
    @Body({ schema: partnerPatchShape }) patch: PartnerPatch,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BusinessPartner> {
    return answerState(reply, await this.partners.change(request, patch));
  }
}
