/** Milliseconds of a processor that this thread has used since then, however busy the machine was with others. */
export function usedMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(since);
  return (user + system) / 1000;
}
