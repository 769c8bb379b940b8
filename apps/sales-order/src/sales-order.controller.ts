import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Origin, type OriginOfChange, entityTag, expectedOf, isKnown, requiredOf } from './preconditions.js';
import type { StoredOrder } from './sales-order.repository.js';
import { SalesOrderService, gone } from './sales-order.service.js';
import {
  type ItemPatch,
  type ListQuery,
  type NewItem,
  type NewOrder,
  type OrderPatch,
  type SalesOrder,
  type Status,
  approvalShape,
  deliveryShape,
  itemNumberShape,
  itemPatchShape,
  keyShape,
  listQueryShape,
  newItemShape,
  newOrderShape,
  orderPatchShape,
} from './sales-order.shape.js';

const PATH = '/sales-orders';
const IF_MATCH = 'if-match';
const key = { schema: keyShape };
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
    return answer(reply, stored);
  }

  @Get()
  async list(
    @Query({ schema: listQueryShape }) query: ListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ value: SalesOrder[]; next: string | null }> {
    const { orders, hasMore } = await this.orders.list(query);
    const last = orders.at(-1);
    const next = hasMore && last !== undefined ? `${PATH}?limit=${query.limit}&after=${last.key}` : null;
    if (next !== null) void reply.header('link', `<${next}>; rel="next"`);
    return { value: orders.map(({ order }) => order), next };
  }

  @Get(':key')
  async read(
    @Param('key', key) number: string,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder | undefined> {
    const stored = await this.orders.read(number);
    void reply.header('etag', entityTag(stored.version));
    if (stored.isDeleted) throw gone(stored);
    if (!isKnown(ifNoneMatch, stored.version)) return stored.order;
    void reply.status(304);
    return undefined;
  }

  @Patch(':key')
  async change(
    @Param('key', key) number: string,
    @Body({ schema: orderPatchShape }) patch: OrderPatch,
    @Headers(IF_MATCH) ifMatch: string | undefined,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    return answer(reply, await this.orders.change(number, patch, requiredOf(ifMatch), origin));
  }

  @Delete(':key')
  @HttpCode(204)
  async delete(
    @Param('key', key) number: string,
    @Headers(IF_MATCH) ifMatch: string | undefined,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    answer(reply, await this.orders.delete(number, requiredOf(ifMatch), origin));
  }

  @Post(':key/items')
  async addItem(
    @Param('key', key) number: string,
    @Body({ schema: newItemShape }) input: NewItem,
    @Headers(IF_MATCH) ifMatch: string | undefined,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    const stored = await this.orders.addItem(number, input, expectedOf(ifMatch), origin);
    void reply.header('location', `${PATH}/${stored.key}/items/${stored.item}`);
    return answer(reply, stored);
  }

  @Patch(':key/items/:item')
  async changeItem(
    @Param('key', key) number: string,
    @Param('item', item) itemNumber: string,
    @Body({ schema: itemPatchShape }) patch: ItemPatch,
    @Headers(IF_MATCH) ifMatch: string | undefined,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    return answer(reply, await this.orders.changeItem(number, itemNumber, patch, requiredOf(ifMatch), origin));
  }

  @Delete(':key/items/:item')
  @HttpCode(204)
  async deleteItem(
    @Param('key', key) number: string,
    @Param('item', item) itemNumber: string,
    @Headers(IF_MATCH) ifMatch: string | undefined,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    answer(reply, await this.orders.deleteItem(number, itemNumber, requiredOf(ifMatch), origin));
  }

  @Post(':key/approval')
  @HttpCode(200)
  async approve(
    @Param('key', key) number: string,
    @Body({ schema: approvalShape }) { status }: { status: Status },
    @Headers(IF_MATCH) ifMatch: string | undefined,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    return answer(reply, await this.orders.setApprovalStatus(number, status, expectedOf(ifMatch), origin));
  }

  @Post(':key/delivery-status')
  @HttpCode(200)
  async deliver(
    @Param('key', key) number: string,
    @Body({ schema: deliveryShape }) { status }: { status: Status },
    @Headers(IF_MATCH) ifMatch: string | undefined,
    @Origin() origin: OriginOfChange,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    return answer(reply, await this.orders.setDeliveryStatus(number, status, expectedOf(ifMatch), origin));
  }
}

function answer(reply: FastifyReply, { version, order }: StoredOrder): SalesOrder {
  void reply.header('etag', entityTag(version));
  return order;
}
