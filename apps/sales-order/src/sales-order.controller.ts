import {
  type ListQuery,
  Origin,
  type OriginOfChange,
  answerPage,
  answerRead,
  answerState,
  expectedOf,
  keyShape,
  listQueryShape,
  requiredOf,
} from '@heddle/mesh';
import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { SalesOrderService } from './sales-order.service.js';
import {
  type ItemPatch,
  type NewItem,
  type NewOrder,
  type OrderPatch,
  type SalesOrder,
  type Status,
  approvalShape,
  deliveryShape,
  itemNumberShape,
  itemPatchShape,
  newItemShape,
  newOrderShape,
  orderPatchShape,
} from './sales-order.shape.js';

const PATH = '/sales-orders';
const IF_MATCH = 'if-match';
const ofPath = { schema: keyShape };
const item = { schema: itemNumberShape };

@Controller('sales-orders')
export class SalesOrderController {
  constructor(private readonly orders: SalesOrderService) {}

  @Post()
  async create(
    @Body({ schema: newOrderShape }) input: NewOrder,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    const stored = await this.orders.create(input, origin);
    void reply.header('location', `${PATH}/${stored.key}`);
    return answerState(reply, stored);
  }

  @Get()
  async list(
    @Query({ schema: listQueryShape }) query: ListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ value: SalesOrder[]; next: string | null }> {
    return answerPage(reply, PATH, await this.orders.list(query));
  }

  @Get(':key')
  async read(
    @Param('key', ofPath) key: string,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder | undefined> {
    return answerRead(reply, await this.orders.read(key), ifNoneMatch);
  }

  @Patch(':key')
  async change(
    @Param('key', ofPath) key: string,
    @Body({ schema: orderPatchShape }) patch: OrderPatch,
    @Headers(IF_MATCH) ifMatch: string | undefined,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    return answerState(reply, await this.orders.change({ key, expected: requiredOf(ifMatch), origin }, patch));
  }

  @Delete(':key')
  @HttpCode(204)
  async delete(
    @Param('key', ofPath) key: string,
    @Headers(IF_MATCH) ifMatch: string | undefined,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    answerState(reply, await this.orders.delete({ key, expected: requiredOf(ifMatch), origin }));
  }

  @Post(':key/items')
  async addItem(
    @Param('key', ofPath) key: string,
    @Body({ schema: newItemShape }) input: NewItem,
    @Headers(IF_MATCH) ifMatch: string | undefined,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    const stored = await this.orders.addItem({ key, expected: expectedOf(ifMatch), origin }, input);
    void reply.header('location', `${PATH}/${stored.key}/items/${stored.item}`);
    return answerState(reply, stored);
  }

  @Patch(':key/items/:item')
  async changeItem(
    @Param('key', ofPath) key: string,
    @Param('item', item) itemNumber: string,
    @Body({ schema: itemPatchShape }) patch: ItemPatch,
    @Headers(IF_MATCH) ifMatch: string | undefined,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    return answerState(
      reply,
      await this.orders.changeItem({ key, expected: requiredOf(ifMatch), origin }, itemNumber, patch),
    );
  }

  @Delete(':key/items/:item')
  @HttpCode(204)
  async deleteItem(
    @Param('key', ofPath) key: string,
    @Param('item', item) itemNumber: string,
    @Headers(IF_MATCH) ifMatch: string | undefined,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    answerState(reply, await this.orders.deleteItem({ key, expected: requiredOf(ifMatch), origin }, itemNumber));
  }

  @Post(':key/approval')
  @HttpCode(200)
  async approve(
    @Param('key', ofPath) key: string,
    @Body({ schema: approvalShape }) { status }: { status: Status },
    @Headers(IF_MATCH) ifMatch: string | undefined,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    return answerState(
      reply,
      await this.orders.setApprovalStatus({ key, expected: expectedOf(ifMatch), origin }, status),
    );
  }

  @Post(':key/delivery-status')
  @HttpCode(200)
  async deliver(
    @Param('key', ofPath) key: string,
    @Body({ schema: deliveryShape }) { status }: { status: Status },
    @Headers(IF_MATCH) ifMatch: string | undefined,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    return answerState(
      reply,
      await this.orders.setDeliveryStatus({ key, expected: expectedOf(ifMatch), origin }, status),
    );
  }
}
