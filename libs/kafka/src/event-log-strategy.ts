import { HeddleError, typeMatcher } from '@heddle/event';
import type { ConsumeOptions, Consumer, EventLog, StoredEvent, TypeMatcher } from '@heddle/event';
import { Server, type BaseRpcContext, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { isObservable, lastValueFrom, throwError, type Observable } from 'rxjs';

export interface EventLogStrategyOptions extends Pick<ConsumeOptions, 'group' | 'topics' | 'from'> {
  eventLog: Pick<EventLog, 'consume'>;
  /** Called for each event that no handler wants, for counting; it is acknowledged. */
  onUnhandled?: (event: StoredEvent) => void;
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

interface Route {
  isWanted: TypeMatcher;
  handler: MessageHandler;
}

/**
 * Connects a Nest application to the event log: `@EventPattern<string>('sap.s4.beh.salesorder.v1.*')` handlers get the
 * {@link StoredEvent}, their promise is the acknowledgement, and their errors keep their identity, for Nest's own filter
 * turns every error into "Internal server error", which could never be tried again.
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
  private routes: Route[] = [];
  private consumer: Consumer | undefined;

  constructor(private readonly options: EventLogStrategyOptions) {
    super();
  }

  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      const { group, topics, from } = this.options;
      this.routes = Array.from(this.getHandlers(), ([pattern, handler]) => routeOf(pattern, handler));
      const handle = (event: StoredEvent): Promise<void> => this.handle(event);
      this.consumer = await this.options.eventLog.consume({ group, topics, from, handle });
      callback();
    } catch (error) {
      callback(error);
    }
  }

  async close(): Promise<void> {
    await this.consumer?.stop();
    this.consumer = undefined;
  }

  override on(): never {
    throw new HeddleError('internal', 'The event log has no events of its own to listen to.');
  }

  override unwrap<T>(): T {
    return this.options.eventLog as T;
  }

  /** One after another, so that a handler sees what an earlier one of the same service did. */
  private async handle(event: StoredEvent): Promise<void> {
    const wanted = this.routes.filter((route) => route.isWanted(event.attributes.type));
    if (wanted.length === 0) this.options.onUnhandled?.(event);
    for (const { handler } of wanted) {
      try {
        const result: unknown = await handler(event, undefined as unknown as BaseRpcContext);
        if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
      } catch (error) {
        throw error instanceof Error ? error : hidden(error);
      }
    }
  }
}

function routeOf(pattern: string, handler: MessageHandler): Route {
  if (handler.isEventHandler !== true) {
    throw new HeddleError('setting-invalid', `${pattern} waits for a reply; the event log has events only.`);
  }
  return { isWanted: typeMatcher([pattern]), handler };
}

/** Nest's default filter gives a plain object in place of the error: whether it may be tried again is lost. */
function hidden(error: unknown): HeddleError {
  const message = (error as { message?: unknown } | undefined)?.message;
  return new HeddleError('internal', `The handler failed (${String(message)}); connectEventLog would tell how.`);
}
