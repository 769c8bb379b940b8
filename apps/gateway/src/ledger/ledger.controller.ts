import { Access, By, type Caller } from '@heddle/auth';
import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import type { z } from 'zod';
import { AttemptList } from './attempt-list.js';
import { EventTimeline } from './event-timeline.js';
import {
  type AttemptsQuery,
  type AuditQuery,
  type OperationsQuery,
  type PageQuery,
  type attemptsShape,
  type auditShape,
  type eventShape,
  type objectEventsShape,
  type operationsShape,
  attemptsQuery,
  auditQuery,
  eventQuery,
  objectEventsQuery,
  operationsQuery,
} from './ledger.shape.js';
import { OperationList } from './operation-list.js';

/** What happened: attempts, operations, audit, and the timelines of events and objects. */
@Controller('v1')
export class LedgerController {
  constructor(
    @Inject(AttemptList) private readonly attemptList: AttemptList,
    @Inject(EventTimeline) private readonly timeline: EventTimeline,
    @Inject(OperationList) private readonly operationList: OperationList,
  ) {}

  @Get('attempts')
  @Access('client')
  attempts(
    @By() caller: Caller,
    @Query({ schema: attemptsQuery }) query: AttemptsQuery,
  ): Promise<z.infer<typeof attemptsShape>> {
    return this.attemptList.list(caller, query);
  }

  @Get('events/:id')
  @Access('client')
  event(
    @By() caller: Caller,
    @Param('id') id: string,
    @Query({ schema: eventQuery }) { source }: z.infer<typeof eventQuery>,
  ): Promise<z.infer<typeof eventShape>> {
    return this.timeline.event(caller, id, source);
  }

  @Get('objects/:object/:key/events')
  @Access('client')
  objectEvents(
    @By() caller: Caller,
    @Param('object') object: string,
    @Param('key') key: string,
    @Query({ schema: objectEventsQuery }) page: PageQuery,
  ): Promise<z.infer<typeof objectEventsShape>> {
    return this.timeline.ofObject(caller, object, key, page);
  }

  @Get('operations')
  @Access('client')
  operations(
    @By() caller: Caller,
    @Query({ schema: operationsQuery }) query: OperationsQuery,
  ): Promise<z.infer<typeof operationsShape>> {
    return this.operationList.operations(caller, query);
  }

  @Get('audit')
  @Access({ verb: 'manage', kind: 'client' })
  audit(@By() caller: Caller, @Query({ schema: auditQuery }) query: AuditQuery): Promise<z.infer<typeof auditShape>> {
    return this.operationList.audit(caller, query);
  }
}
