import { type AnyTransaction, runIn } from './sql-transaction.js';

/** What tells an event from every other (CloudEvents 1.0.2, "id"). */
export interface EventIdentity {
  source: string;
  id: string;
}

const ENTER = 'insert into inbox (consumer, source, id) values ($1, $2, $3) on conflict do nothing returning id';

/**
 * Notes in the transaction of an effect which event it is the effect of: both are there, or neither is. So an event that
 * comes again, as after a crash between effect and acknowledgement, has no second effect.
 */
export class Inbox {
  /** @param consumer the group of consumers whose effects these are: each has effects of its own */
  constructor(private readonly consumer: string) {}

  /**
   * Enters an event; false when it was entered before. While another transaction is entering the same event, this waits
   * for how that ends.
   */
  async enter(tx: AnyTransaction, { source, id }: EventIdentity): Promise<boolean> {
    const rows = await runIn(tx, ENTER, [this.consumer, source, id]);
    return rows.length > 0;
  }
}
