import { Access, By, type Caller } from '@heddle/auth';
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type NamePage, namePage, pageOf } from '../management/name-page.js';
import { Check, type VersionCheck, answerPut, withVersion } from '../management/version-check.js';
import { Clients } from './clients.js';
import {
  type AnyServiceKey,
  type ClientRequest,
  type ClientView,
  type NewSecret,
  type RotateSecretRequest,
  type ServiceKeyQuery,
  type ServiceKeyRequest,
  clientShape,
  rotateSecretShape,
  serviceKeyQuery,
  serviceKeyRequestShape,
} from './clients.shape.js';

const client = { schema: clientShape };
const rotation = { schema: rotateSecretShape };
const keyWish = { schema: serviceKeyRequestShape };
const keyQuery = { schema: serviceKeyQuery };
const ONE = { verb: 'manage', kind: 'client', param: 'client' } as const;

/** The management of clients. */
@Controller('v1/clients')
export class ClientsController {
  constructor(@Inject(Clients) private readonly clients: Clients) {}

  @Get()
  @Access({ verb: 'manage', kind: 'client' })
  list(@By() caller: Caller, @Query({ schema: namePage }) page: NamePage): { clients: ClientView[]; next?: string } {
    const { entries, ...next } = pageOf(this.clients.list(caller), page, ({ client: name }) => name);
    return { clients: entries, ...next };
  }

  @Get(':client')
  @Access(ONE)
  read(
    @By() caller: Caller,
    @Param('client') name: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): ClientView {
    return withVersion(uncached(reply), this.clients.get(caller, name));
  }

  @Put(':client')
  @Access(ONE)
  async put(
    @By() caller: Caller,
    @Param('client') name: string,
    @Check() check: VersionCheck,
    @Body(client) request: ClientRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ClientView> {
    return answerPut(uncached(reply), await this.clients.put(caller, name, request, check));
  }

  @Delete(':client')
  @Access(ONE)
  @HttpCode(204)
  async delete(@By() caller: Caller, @Param('client') name: string, @Check() check: VersionCheck): Promise<void> {
    await this.clients.delete(caller, name, check);
  }

  @Post(':client/secrets')
  @Access(ONE)
  @HttpCode(201)
  async rotate(
    @By() caller: Caller,
    @Param('client') name: string,
    @Check() check: VersionCheck,
    @Body(rotation) request: RotateSecretRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NewSecret> {
    uncached(reply);
    return this.clients.rotate(caller, name, request, check);
  }

  @Delete(':client/secrets/:id')
  @Access(ONE)
  @HttpCode(204)
  async removeSecret(
    @By() caller: Caller,
    @Param('client') name: string,
    @Param('id') id: string,
    @Check() check: VersionCheck,
  ): Promise<void> {
    await this.clients.removeSecret(caller, name, id, check);
  }

  @Get(':client/service-key')
  @Access(ONE)
  serviceKey(
    @By() caller: Caller,
    @Param('client') name: string,
    @Query(keyQuery) query: ServiceKeyQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): AnyServiceKey {
    return asFile(reply, name, this.clients.serviceKey(caller, name, query));
  }

  @Post(':client/service-key')
  @Access(ONE)
  @HttpCode(201)
  async newServiceKey(
    @By() caller: Caller,
    @Param('client') name: string,
    @Check() check: VersionCheck,
    @Body(keyWish) request: ServiceKeyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AnyServiceKey> {
    return asFile(reply, name, await this.clients.newServiceKey(caller, name, request, check));
  }
}

/** A secret stands in the answer that made it, and in no cache. */
function uncached(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store');
}

function asFile(reply: FastifyReply, name: string, key: AnyServiceKey): AnyServiceKey {
  void uncached(reply).header('content-disposition', `attachment; filename="${name}.service-key.json"`);
  return key;
}
