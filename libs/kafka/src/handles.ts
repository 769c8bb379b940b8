import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { PARAM_ARGS_METADATA } from '@nestjs/microservices/constants.js';
import type { EventBatchContext, EventContext } from './event-context.js';

/** How events of a pattern come together, in the extras of `@EventPattern` or of {@link Handles}. */
export interface BatchExtras {
  /** Events at most, up to 1,000 (500), and milliseconds that the first one waits for others (20). */
  batch: { max?: number; waitMs?: number };
}

/** The event types that a declared event has room for. */
type TypesOf<Event> = Event extends { attributes: { type: infer Type } } ? Type : never;

/** Whether events of a pattern are what a handler declares: any event, or none but those that the pattern names. */
type IsFor<Types, Pattern extends string> = [Types] extends [never]
  ? false
  : string extends Types | Pattern
    ? true
    : Pattern extends `${infer Prefix}*`
      ? [Types] extends [`${Prefix}${string}`]
        ? true
        : false
      : Pattern extends Types
        ? true
        : false;

type Declared<Method extends (...args: never[]) => unknown> =
  Parameters<Method> extends [] ? { attributes: { type: string } } : Parameters<Method>[0];

/** What the compiler asks for, in vain, when a method declares another event than its pattern brings. */
interface Mistaken<Pattern> {
  'the method declares events of another type than': Pattern;
}

type Checked<Event, Pattern extends string> = IsFor<TypesOf<Event>, Pattern> extends true ? unknown : Mistaken<Pattern>;

type HandlesEach<Pattern extends string> = <Method extends (event: never, context: EventContext) => unknown>(
  target: object,
  key: string | symbol,
  method: TypedPropertyDescriptor<Method> & Checked<Declared<Method>, Pattern>,
) => void;

type HandlesBatches<Pattern extends string> = <
  Method extends (events: readonly never[], context: EventBatchContext) => unknown,
>(
  target: object,
  key: string | symbol,
  method: TypedPropertyDescriptor<Method> &
    Checked<Declared<Method> extends readonly (infer Event)[] ? Event : never, Pattern>,
) => void;

interface HandlesDecorator {
  <const Pattern extends string>(pattern: Pattern): HandlesEach<Pattern>;
  <const Pattern extends string>(pattern: Pattern, extras: BatchExtras): HandlesBatches<Pattern>;
}

/**
 * Makes a method of a Nest controller the handler of an event type, or of a prefix with a trailing `*`. It is Nest's
 * `@EventPattern`, and the compiler holds the event that the method declares to the pattern:
 *
 *     @Handles('sap.s4.beh.salesorder.v1.SalesOrder.Created.v1')
 *     async on(event: EventOf<SalesOrderEvents, 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1'>, context: EventContext)
 *
 * Nest's own typed form (`@EventPattern<Events>`) knows only the union of all data of its map, and no context.
 */
export const Handles: HandlesDecorator = (pattern: string, extras?: BatchExtras) => {
  const decorate = EventPattern<string>(pattern, { ...extras });
  return (target: object, key: string | symbol, method: PropertyDescriptor): void => {
    decorate(target, key, method);
    // Nest gives a handler its event alone, unless its parameters are marked; whoever marks them has said it already.
    if (Reflect.hasMetadata(PARAM_ARGS_METADATA, target.constructor, key)) return;
    Payload()(target, key, 0);
    Ctx()(target, key, 1);
  };
};
