import { Body, Controller, Get, Headers, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { StoredPartner } from './business-partner.repository.js';
import { BusinessPartnerService } from './business-partner.service.js';
import {
  type BusinessPartner,
  type ListQuery,
  type NewPartner,
  type PartnerPatch,
  keyShape,
  listQueryShape,
  newPartnerShape,
  partnerPatchShape,
} from './business-partner.shape.js';
import { Origin, type OriginOfChange, entityTag, isKnown, requiredOf } from './preconditions.js';

const PATH = '/business-partners';
const key = { schema: keyShape };

@Controller('business-partners')
export class BusinessPartnerController {
  constructor(private readonly partners: BusinessPartnerService) {}

  @Post()
  async create(
    @Body({ schema: newPartnerShape }) input: NewPartner,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BusinessPartner> {
    const stored = await this.partners.create(input, origin);
    void reply.header('location', `${PATH}/${stored.key}`);
    return answer(reply, stored);
  }

  @Get()
  async list(
    @Query({ schema: listQueryShape }) query: ListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ value: BusinessPartner[]; next: string | null }> {
    const { partners, hasMore } = await this.partners.list(query);
    const last = partners.at(-1);
    const next = hasMore && last !== undefined ? `${PATH}?limit=${query.limit}&after=${last.key}` : null;
    if (next !== null) void reply.header('link', `<${next}>; rel="next"`);
    return { value: partners.map(({ partner }) => partner), next };
  }

  @Get(':key')
  async read(
    @Param('key', key) number: string,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BusinessPartner | undefined> {
    const stored = await this.partners.read(number);
    void reply.header('etag', entityTag(stored.version));
    if (!isKnown(ifNoneMatch, stored.version)) return stored.partner;
    void reply.status(304);
    return undefined;
  }

  @Patch(':key')
  async change(
    @Param('key', key) number: string,
    @Body({ schema: partnerPatchShape }) patch: PartnerPatch,
    @Headers('if-match') ifMatch: string | undefined,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BusinessPartner> {
    return answer(reply, await this.partners.change(number, patch, requiredOf(ifMatch), origin));
  }
}

function answer(reply: FastifyReply, { version, partner }: StoredPartner): BusinessPartner {
  void reply.header('etag', entityTag(version));
  return partner;
}
