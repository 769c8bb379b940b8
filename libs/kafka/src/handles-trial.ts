import type { EventOf, StoredEvent } from '@heddle/event';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import type { EventBatchContext, EventContext } from './event-context.js';
import { Handles } from './handles.js';

interface OrderEvents {
  'order.v1.Created': { order: string };
  'order.v1.Changed': { order: string; by: string };
  'order.v2.Created': { order: string; channel: string };
}

/** What the handlers were called with. */
export const seen: string[] = [];

/** What compiles, compiles under `strict`; what must not is marked, and the type check of the tests holds it. */
export class Orders {
  @Handles('order.v1.Created')
  async created(event: EventOf<OrderEvents, 'order.v1.Created'>, context: EventContext): Promise<void> {
    seen.push(`created ${event.data.order} ${context.attempt} ${context.position.offset}`);
  }

  @Handles('order.v1.Changed')
  changed(event: EventOf<OrderEvents, 'order.v1.*'>): void {
    seen.push(`changed ${event.data.order}`);
  }

  @Handles('order.v2.*', { batch: { max: 10, waitMs: 5 } })
  many(events: readonly EventOf<OrderEvents, 'order.v2.*'>[], context: EventBatchContext): void {
    seen.push(`many ${events.map(({ data }) => data.channel).join(' ')} of ${context.partition}`);
  }

  @EventPattern<string>('order.v3.*')
  anything(@Payload() event: StoredEvent, @Ctx() context: EventContext): void {
    seen.push(`anything ${event.attributes.type} ${context.key}`);
  }
}

/** Never registered: it is here for the compiler alone. */
export class Mistakes {
  // @ts-expect-error -- the event is of another type than the pattern
  @Handles('order.v1.Changed')
  other(_event: EventOf<OrderEvents, 'order.v1.Created'>): void {}

  // @ts-expect-error -- the pattern matches more than the event can be
  @Handles('order.v2.*')
  wider(_event: EventOf<OrderEvents, 'order.*'>): void {}

  // @ts-expect-error -- a batch is an array
  @Handles('order.v1.Created', { batch: {} })
  single(_event: EventOf<OrderEvents, 'order.v1.Created'>): void {}

  // @ts-expect-error -- and without batches it is none
  @Handles('order.v1.Created')
  batch(_event: readonly EventOf<OrderEvents, 'order.v1.Created'>[]): void {}

  // @ts-expect-error -- Nest's own typed form knows no context
  @EventPattern<OrderEvents>('order.v1.Created')
  own(_data: { order: string }, _context: EventContext): void {}
}
