import { Access, By, type Caller } from '@heddle/auth';
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type NamePage, namePage, pageOf } from '../management/name-page.js';
import { type ServiceKey, type TenantRequest, type TenantView, tenantShape } from './clients.shape.js';
import { Tenants } from './tenants.js';

const tenant = { schema: tenantShape };
const ONE = { verb: 'manage', kind: 'tenant', param: 'tenant' } as const;

/** The management of tenants. */
@Controller('v1/tenants')
export class TenantsController {
  constructor(@Inject(Tenants) private readonly tenants: Tenants) {}

  @Get()
  @Access({ verb: 'manage', kind: 'tenant' })
  list(@By() caller: Caller, @Query({ schema: namePage }) page: NamePage): { tenants: TenantView[]; next?: string } {
    const { entries, ...next } = pageOf(this.tenants.list(caller), page, ({ tenant: name }) => name);
    return { tenants: entries, ...next };
  }

  @Put(':tenant')
  @Access(ONE)
  @HttpCode(201)
  async make(
    @By() caller: Caller,
    @Param('tenant') name: string,
    @Body(tenant) request: TenantRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TenantView & { serviceKey: ServiceKey }> {
    void reply.header('cache-control', 'no-store');
    return this.tenants.make(caller, name, request);
  }

  @Delete(':tenant')
  @Access(ONE)
  @HttpCode(204)
  async delete(@By() caller: Caller, @Param('tenant') name: string): Promise<void> {
    await this.tenants.delete(caller, name);
  }
}
