import { Access, By, type Caller } from '@heddle/auth';
import { Body, Controller, Delete, Get, Headers, HttpCode, Inject, Param, Post, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type NamePage, namePage, pageOf } from '../limits/name-page.js';
import { versionCheck, withVersion } from '../protocols/webhook/version-check.js';
import { Clients } from './clients.js';
import {
  type AnyServiceKey,
  type ClientRequest,
  type ClientView,
  type NewSecret,
  type RotateSecretRequest,
  type ServiceKeyFormat,
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

type Conditions = Record<string, string | undefined>;

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
    return answer(reply, this.clients.get(caller, name));
  }

  @Put(':client')
  @Access(ONE)
  async put(
    @By() caller: Caller,
    @Param('client') name: string,
    @Headers() headers: Conditions,
    @Body(client) request: ClientRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ClientView> {
    const { created, view } = await this.clients.put(caller, name, request, versionCheck(headers));
    void reply.status(created ? 201 : 200);
    return answer(reply, view);
  }

  @Delete(':client')
  @Access(ONE)
  @HttpCode(204)
  async delete(@By() caller: Caller, @Param('client') name: string, @Headers() headers: Conditions): Promise<void> {
    await this.clients.delete(caller, name, versionCheck(headers));
  }

  @Post(':client/secrets')
  @Access(ONE)
  @HttpCode(201)
  async rotate(
    @By() caller: Caller,
    @Param('client') name: string,
    @Headers() headers: Conditions,
    @Body(rotation) request: RotateSecretRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NewSecret> {
    void reply.header('cache-control', 'no-store');
    return this.clients.rotate(caller, name, request, versionCheck(headers));
  }

  @Delete(':client/secrets/:id')
  @Access(ONE)
  @HttpCode(204)
  async removeSecret(
    @By() caller: Caller,
    @Param('client') name: string,
    @Param('id') id: string,
    @Headers() headers: Conditions,
  ): Promise<void> {
    await this.clients.removeSecret(caller, name, id, versionCheck(headers));
  }

  @Get(':client/service-key')
  @Access(ONE)
  serviceKey(
    @By() caller: Caller,
    @Param('client') name: string,
    @Query(keyQuery) { format }: { format: ServiceKeyFormat },
    @Res({ passthrough: true }) reply: FastifyReply,
  ): AnyServiceKey {
    return asFile(reply, name, this.clients.serviceKey(caller, name, format));
  }

  @Post(':client/service-key')
  @Access(ONE)
  @HttpCode(201)
  async newServiceKey(
    @By() caller: Caller,
    @Param('client') name: string,
    @Headers() headers: Conditions,
    @Body(keyWish) request: ServiceKeyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AnyServiceKey> {
    return asFile(reply, name, await this.clients.newServiceKey(caller, name, request, versionCheck(headers)));
  }
}

function answer(reply: FastifyReply, view: ClientView): ClientView {
  // A secret stands in the answer that made it, and in no cache.
  return withVersion(reply.header('cache-control', 'no-store'), view);
}

function asFile(reply: FastifyReply, name: string, key: AnyServiceKey): AnyServiceKey {
  void reply
    .header('content-disposition', `attachment; filename="${name}.service-key.json"`)
    .header('cache-control', 'no-store');
  return key;
}
