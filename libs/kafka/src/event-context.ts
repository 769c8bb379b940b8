import type { BatchContext, HandlingContext, Position, StoredEvent } from '@heddle/event';
import { BaseRpcContext } from '@nestjs/microservices';

/** What `@Ctx()`, guards and interceptors get of the handling of one event; see {@link HandlingContext}. */
export class EventContext extends BaseRpcContext<[StoredEvent, HandlingContext]> implements HandlingContext {
  get event(): StoredEvent {
    return this.args[0];
  }

  get group(): string {
    return this.args[1].group;
  }

  get attempt(): number {
    return this.args[1].attempt;
  }

  get key(): string {
    return this.args[1].key;
  }

  get position(): Position {
    return this.args[1].position;
  }

  get traceparent(): string | undefined {
    return this.args[1].traceparent;
  }

  get tracestate(): string | undefined {
    return this.args[1].tracestate;
  }

  get correlationId(): string | undefined {
    return this.args[1].correlationId;
  }

  get causationId(): string | undefined {
    return this.args[1].causationId;
  }

  get signal(): AbortSignal {
    return this.args[1].signal;
  }

  renew(ms?: number): void {
    this.args[1].renew(ms);
  }
}

/** As {@link EventContext}, of the handling of a batch. */
export class EventBatchContext extends BaseRpcContext<[readonly StoredEvent[], BatchContext]> implements BatchContext {
  get events(): readonly StoredEvent[] {
    return this.args[0];
  }

  get group(): string {
    return this.args[1].group;
  }

  get attempt(): number {
    return this.args[1].attempt;
  }

  get topic(): string {
    return this.args[1].topic;
  }

  get partition(): number {
    return this.args[1].partition;
  }

  get signal(): AbortSignal {
    return this.args[1].signal;
  }

  renew(ms?: number): void {
    this.args[1].renew(ms);
  }
}
