/** Milliseconds for one connection; the whole check is bounded by its signal. */
const CONNECT_MS = 3000;

/**
 * The partition count of every topic, as a broker says it.
 *
 * @throws Error in the words of the client when none of the brokers answers
 */
export async function topicPartitions(brokers: readonly string[], signal: AbortSignal): Promise<Map<string, number>> {
  // Only whoever asks a broker pays for the client.
  const { default: kafkajs } = await import('kafkajs');
  // It sets timers of negative length, of which Node warns; that is nothing for the person.
  process.removeAllListeners('warning');
  const kafka = new kafkajs.Kafka({
    brokers: [...brokers],
    clientId: 'heddle-doctor',
    connectionTimeout: CONNECT_MS,
    requestTimeout: CONNECT_MS,
    retry: { retries: 0 },
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = kafka.admin();
  const late = Promise.withResolvers<never>();
  const onAbort = (): void => late.reject(new Error('no answer in time'));
  signal.addEventListener('abort', onAbort, { once: true });
  const work = (async () => {
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata();
    return new Map(topics.map(({ name, partitions }) => [name, partitions.length]));
  })();
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    late.promise.catch(() => undefined);
    work.catch(() => undefined);
    // What does not answer need not be waited for.
    void admin.disconnect().catch(() => undefined);
  }
}
