/** Where the loops to compare with write to and read from: a topic that the gateway does not read. */
export const BARE_TOPIC = 'bench-bare';
export const BARE_TOPIC_PARTITIONS = 12;
