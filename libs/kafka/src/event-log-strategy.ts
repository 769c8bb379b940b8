import { HeddleError } from '@heddle/event';
import type {
  BatchContext,
  BatchHandling,
  ConsumeOptions,
  Consumer,
  ConsumerStatus,
  EventLog,
  HandlingContext,
  StoredEvent,
} from '@heddle/event';
import { Server, type BaseRpcContext, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { isObservable, lastValueFrom, throwError, type Observable } from 'rxjs';
import { EventBatchContext, EventContext } from './event-context.js';
import { EventRoutes, type EventRoute } from './event-routes.js';

/** Those of {@link ConsumeOptions} that are not about the handlers themselves: these are Nest's. */
export interface EventLogStrategyOptions extends Pick<
  ConsumeOptions,
  'group' | 'topics' | 'from' | 'onUnhandled' | 'concurrency' | 'handlingMs' | 'retry'
> {
  eventLog: Pick<EventLog, 'consume'>;
}

/** The part of a Nest application, and of what it connects, that is needed here. */
interface HybridApplication {
  connectMicroservice(
    options: { strategy: CustomTransportStrategy },
    hybrid: { inheritAppConfig: boolean; deferInitialization: boolean },
  ): object;
}

interface Microservice {
  useGlobalFilters(filter: { catch(error: unknown): Observable<never> }): unknown;
  setIsInitHookCalled(isCalled: boolean): void;
}

/**
 * Connects a Nest application to the event log: handlers of `@Handles('sap.s4.beh.salesorder.v1.*')` get the
 * {@link StoredEvent} and an {@link EventContext}, those of `@EventPattern<string>` by `@Payload()` and `@Ctx()`. Their
 * promise is the acknowledgement; retries, dead letters and order are those of {@link ConsumeOptions}. Extras
 * `{ batch: { max, waitMs } }` make it a handler of batches, which gets an array and an {@link EventBatchContext}.
 *
 * Errors keep their identity, for Nest's own filter turns every error into "Internal server error".
 */
export function connectEventLog(app: HybridApplication, options: EventLogStrategyOptions): EventLogStrategy {
  const strategy = new EventLogStrategy(options);
  // Deferred, for handlers get the filters that are there when they are set up.
  const hybrid = { inheritAppConfig: false, deferInitialization: true };
  const microservice = app.connectMicroservice({ strategy }, hybrid) as Microservice;
  microservice.useGlobalFilters({ catch: (error: unknown) => throwError(() => error) });
  // The hooks are the application's to call; a deferred microservice would call them once more.
  microservice.setIsInitHookCalled(true);
  return strategy;
}

/** The event log as a transport of Nest's microservices; see {@link connectEventLog}, which keeps errors what they are. */
export class EventLogStrategy extends Server implements CustomTransportStrategy {
  /** Failures go to the consumer, which tries again or writes a dead letter: Nest must not report them as well. */
  override readonly propagatesEventHandlerErrors = true;
  private routes = new EventRoutes(new Map());
  private consumer: Consumer | undefined;

  constructor(private readonly options: EventLogStrategyOptions) {
    super();
  }

  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      const { eventLog, ...options } = this.options;
      const routes = new EventRoutes(this.getHandlers());
      this.routes = routes;
      this.consumer = await eventLog.consume({
        ...options,
        handle: (event, context) => this.handle(event, context),
        wants: ({ attributes }) => routes.of(attributes.type).length > 0,
        batches: routes.batches.map(batchOf),
      });
      callback();
    } catch (error) {
      callback(error);
    }
  }

  async close(): Promise<void> {
    await this.consumer?.stop();
    this.consumer = undefined;
  }

  /** How the consumer is; nothing before it has begun and after it has been closed. */
  consumerStatus(): ConsumerStatus | undefined {
    return this.consumer?.status();
  }

  /** For health checks: resolves unless the consumer is stalled. @throws HeddleError `consumer-stalled` */
  async ping(): Promise<void> {
    await this.consumer?.ping();
  }

  override on(): never {
    throw new HeddleError('internal', 'The event log has no events of its own to listen to.');
  }

  override unwrap<T>(): T {
    return this.options.eventLog as T;
  }

  private handle(event: StoredEvent, context: HandlingContext): Promise<void> {
    const wanted = this.routes.of(event.attributes.type);
    const own = new EventContext([event, context]);
    const [only] = wanted;
    return only !== undefined && wanted.length === 1 ? call(only.handler, event, own) : callEach(wanted, event, own);
  }
}

/** One after another, so that a handler sees what an earlier one of the same service did. */
async function callEach(routes: readonly EventRoute[], event: StoredEvent, context: EventContext): Promise<void> {
  for (const { handler } of routes) await call(handler, event, context);
}

async function call(handler: MessageHandler, data: unknown, context: BaseRpcContext): Promise<void> {
  try {
    const result: unknown = await handler(data, context);
    if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
  } catch (error) {
    throw error instanceof Error ? error : hidden(error);
  }
}

function batchOf({ handler, isWanted, batch }: EventRoute): BatchHandling {
  return {
    ...batch,
    wants: ({ attributes }) => isWanted(attributes.type),
    handle: (events: readonly StoredEvent[], context: BatchContext) =>
      call(handler, events, new EventBatchContext([events, context])),
  };
}

/** Nest's default filter gives a plain object in place of the error: what it was is lost, and the schedule decides. */
function hidden(error: unknown): Error {
  const message = (error as { message?: unknown } | undefined)?.message;
  return new Error(`The handler failed (${String(message)}); connectEventLog would tell how.`);
}
