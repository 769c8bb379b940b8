import type { KafkaMessage } from 'kafkajs';

/** Records that wait for a schema, by key, each key's in order. */
export class HeldKeys {
  private readonly records = new Map<string, KafkaMessage[]>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  has(key: string): boolean {
    return this.records.has(key);
  }

  hold(key: string, message: KafkaMessage): void {
    const waiting = this.records.get(key);
    if (waiting === undefined) this.records.set(key, [message]);
    else waiting.push(message);
    this.count += 1;
  }

  /** Takes everything out, key by key, for another try. */
  takeAll(): KafkaMessage[] {
    const all = Array.from(this.records.values()).flat();
    this.records.clear();
    this.count = 0;
    return all;
  }

  /** The lowest offset that waits. */
  oldest(): number | undefined {
    let oldest: number | undefined;
    for (const [first] of this.records.values()) {
      const offset = Number(first?.offset);
      if (oldest === undefined || offset < oldest) oldest = offset;
    }
    return oldest;
  }
}
