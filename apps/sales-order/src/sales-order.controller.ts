import {
  type ChangeRequest,
  Changes,
  type ListQuery,
  MayMatch,
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
import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { SalesOrderService } from './sales-order.service.js';
import {
  type ItemPatch,
  type NewItem,
  type Status,
  itemNumberShape,
  itemPatchShape,
  newItemShape,
  rejectionShape,
} from './sales-order-item.shape.js';
import {
  type CreditStatus,
  type NewOrder,
  type OrderPatch,
  type SalesOrder,
  approvalShape,
  creditCheckShape,
  deliveryShape,
  newOrderShape,
  orderPatchShape,
} from './sales-order.shape.js';

const PATH = '/sales-orders';
const item = { schema: itemNumberShape };

@Controller('sales-orders')
export class SalesOrderController {
  constructor(private readonly orders: SalesOrderService) {}

  @Changes()
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

  @Reads()
  @Get()
  async list(
    @Query({ schema: listQueryShape }) query: ListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ value: SalesOrder[]; next: string | null }> {
    return answerPage(reply, PATH, await this.orders.list(query));
  }

  @Reads()
  @Get(':key')
  async read(
    @Param('key', { schema: keyShape }) key: string,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder | undefined> {
    return answerRead(reply, await this.orders.read(key), ifNoneMatch);
  }

  @Changes()
  @Patch(':key')
  async change(
    @MustMatch() request: ChangeRequest,
    @Body({ schema: orderPatchShape }) patch: OrderPatch,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    return answerState(reply, await this.orders.change(request, patch));
  }

  @Changes()
  @Delete(':key')
  @HttpCode(204)
  async delete(@MustMatch() request: ChangeRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    answerState(reply, await this.orders.delete(request));
  }

  @Changes()
  @Post(':key/items')
  async addItem(
    @MayMatch() request: ChangeRequest,
    @Body({ schema: newItemShape }) input: NewItem,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    const stored = await this.orders.addItem(request, input);
    void reply.header('location', `${PATH}/${stored.key}/items/${stored.item}`);
    return answerState(reply, stored);
  }

  @Changes()
  @Patch(':key/items/:item')
  async changeItem(
    @MustMatch() request: ChangeRequest,
    @Param('item', item) itemNumber: string,
    @Body({ schema: itemPatchShape }) patch: ItemPatch,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    return answerState(reply, await this.orders.changeItem(request, itemNumber, patch));
  }

  @Changes()
  @Delete(':key/items/:item')
  @HttpCode(204)
  async deleteItem(
    @MustMatch() request: ChangeRequest,
    @Param('item', item) itemNumber: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    answerState(reply, await this.orders.deleteItem(request, itemNumber));
  }

  @Changes()
  @Post(':key/items/:item/rejection')
  @HttpCode(200)
  async rejectItem(
    @MayMatch() request: ChangeRequest,
    @Param('item', item) itemNumber: string,
    @Body({ schema: rejectionShape }) { reason }: { reason: string },
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    return answerState(reply, await this.orders.rejectItem(request, itemNumber, reason));
  }

  @Changes()
  @Post(':key/items/:item/delivery-status')
  @HttpCode(200)
  async deliverItem(
    @MayMatch() request: ChangeRequest,
    @Param('item', item) itemNumber: string,
    @Body({ schema: deliveryShape }) { status }: { status: Status },
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    return answerState(reply, await this.orders.setItemDeliveryStatus(request, itemNumber, status));
  }

  @Changes()
  @Post(':key/approval')
  @HttpCode(200)
  async approve(
    @MayMatch() request: ChangeRequest,
    @Body({ schema: approvalShape }) { status }: { status: Status },
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    return answerState(reply, await this.orders.setApprovalStatus(request, status));
  }

  @Changes()
  @Post(':key/credit-check')
  @HttpCode(200)
  async checkCredit(
    @MayMatch() request: ChangeRequest,
    @Body({ schema: creditCheckShape }) { status }: { status: CreditStatus },
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    return answerState(reply, await this.orders.setCreditStatus(request, status));
  }

  @Changes()
  @Post(':key/delivery-status')
  @HttpCode(200)
  async deliver(
    @MayMatch() request: ChangeRequest,
    @Body({ schema: deliveryShape }) { status }: { status: Status },
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SalesOrder> {
    return answerState(reply, await this.orders.setDeliveryStatus(request, status));
  }
}
