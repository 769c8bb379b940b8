import type { Kafka } from 'kafkajs';
import { expect, vi } from 'vitest';

/** Deletes what a topic holds, as its retention would in time. */
export async function deleteAllRecords(kafka: Kafka, topic: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({
    topic,
    partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
  });
  await vi.waitFor(
    async () => {
      const bounds = await admin.fetchTopicOffsets(topic);
      expect(bounds.every(({ low, high }) => low === high)).toBe(true);
    },
    { timeout: 10_000 },
  );
  await admin.disconnect();
}
