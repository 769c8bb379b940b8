import { CONTROL_TOPICS, CONTROL_TOPIC_SPECS, type ControlLog } from '@heddle/event';
import { type DataKeyRecord, aboutOf, dataKeyRecords, putOf } from './data-keys.js';
import type { MasterKeys } from './master-keys.js';

/**
 * A data key is looked at once a newer one of its tenant is so old: by then every gateway at work has heard of that, and
 * seals with it. Gateways hear of it within a second; this leaves a day for those that were cut off.
 */
const SETTLED_MS = 86_400_000;
/** The id in everything that the vault has sealed. */
const SEALED = /sealed[.]v1[.]([0-9a-f-]{36})[.]/g;

/**
 * Deletes the data keys that nothing in the log is sealed with and that nobody seals with any more. Returns how many.
 *
 * Safe in this order: a newer key of the tenant opens and is a day old; no record in any compacted topic of ours names
 * the old one, wherever a secret may stand; and when one does name it after it was deleted, written by a gateway that was
 * behind, it is put back. A gateway that still seals with it puts it back, too (`DataKeys`).
 */
export async function deleteUnused(controlLog: ControlLog, masterKeys: MasterKeys, now = Date.now()): Promise<number> {
  const records = await dataKeyRecords(controlLog);
  const open = records.filter(
    ({ wrapped, tenant, id }) => masterKeys.unwrap(wrapped, aboutOf(tenant, id)) !== undefined,
  );
  // What is shut is left alone: its master key may come back, and then it would be missed.
  const old = open.filter((record) => open.some((other) => replaces(other, record, now)));
  if (old.length === 0) return 0;
  const used = await idsInUse(controlLog);
  const unused = old.filter(({ id }) => !used.has(id));
  if (unused.length === 0) return 0;
  await controlLog.put(
    CONTROL_TOPICS.keys,
    unused.map((record) => ({ ...putOf(record), value: null })),
  );
  const usedSince = await idsInUse(controlLog);
  const missed = unused.filter(({ id }) => usedSince.has(id));
  if (missed.length > 0) await controlLog.put(CONTROL_TOPICS.keys, missed.map(putOf));
  return unused.length - missed.length;
}

function replaces(newer: DataKeyRecord, older: DataKeyRecord, now: number): boolean {
  if (newer.tenant !== older.tenant || newer.generation <= older.generation) return false;
  return Date.parse(newer.createdAt) + SETTLED_MS <= now;
}

/** Of every data key that something in the log, as it stands now, is sealed with. */
async function idsInUse(controlLog: ControlLog): Promise<Set<string>> {
  const idsOf = new Map<string, readonly string[]>();
  for (const { name, partitions, cleanup } of CONTROL_TOPIC_SPECS) {
    if (cleanup !== 'compact') continue;
    const all = Array.from({ length: partitions }, (_, partition) => partition);
    await controlLog.load(name, all, ({ key, partition, value }) => {
      const place = `${name}/${partition}/${key}`;
      const ids = value === null ? [] : [...JSON.stringify(value).matchAll(SEALED)].map(([, id = '']) => id);
      // The last record of a key is what stands there.
      if (ids.length > 0) idsOf.set(place, ids);
      else idsOf.delete(place);
    });
  }
  return new Set([...idsOf.values()].flat());
}
