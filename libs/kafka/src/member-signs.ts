/** The least a broker allows by default: a member that died holds its partitions for so long. */
export const SESSION_MS = 6000;
/** Fetches come back after a quarter of a second, with records or without. */
const FETCH_PATIENCE_MS = 15_000;

/** When a member last had word from its group, and when its last fetch came back: milliseconds since the epoch. */
export interface MemberSigns {
  heardAt: number;
  fetchedAt: number;
}

/** Why nothing can come in, although the member has joined; nothing when all is well. */
export function troubleOf({ heardAt, fetchedAt }: MemberSigns, partitions: number, now: number): string | undefined {
  const silentMs = now - heardAt;
  if (silentMs > SESSION_MS) return `the group has not answered for ${Math.round(silentMs / 1000)} s`;
  const idleMs = now - fetchedAt;
  if (partitions === 0 || idleMs <= FETCH_PATIENCE_MS) return undefined;
  return `no fetch has come back for ${Math.round(idleMs / 1000)} s`;
}
