import { CONTROL_TOPICS, type ControlLog } from '@heddle/event';
import { type DataKeyRecord, DataKeys, aboutOf, dataKeyRecords, putOf } from './data-keys.js';
import type { MasterKeys } from './master-keys.js';
import { deleteUnused } from './unused-data-keys.js';

/** What became of the data keys. */
export interface Rewrapped {
  /** The name of the master key that wraps all of them now, but those that are shut. */
  first: string;
  tenants: number;
  keys: number;
  /** How many of them were wrapped with another master key before. */
  rewrapped: number;
  /** How many tenants were given a new data key. */
  drawn: number;
  /** How many were deleted, for nothing is sealed with them any more and nobody seals with them. */
  deleted: number;
  /** What no master key opens; nothing was done with it. */
  shut: DataKeyRecord[];
  /** Master keys, by name, that nothing needs any more. */
  unused: string[];
}

/**
 * Wraps every data key with the first master key. Gateways may be at work meanwhile: what they seal and open with are
 * the data keys, which stay the same. Done twice, or broken off in the middle, it harms nothing. Data keys that nothing
 * uses any more are deleted.
 *
 * @param drawNew gives every tenant a new data key as well; owners of webhooks seal theirs anew with it by themselves
 */
export async function rewrap(
  controlLog: ControlLog,
  masterKeys: MasterKeys,
  drawNew = false,
  now = Date.now(),
): Promise<Rewrapped> {
  const drawn = drawNew ? await drawForAll(controlLog, masterKeys) : 0;
  const stale = (await dataKeyRecords(controlLog)).flatMap((record) => {
    const opened = masterKeys.unwrap(record.wrapped, aboutOf(record.tenant, record.id));
    const isFirst = opened?.by === masterKeys.first && record.wrapped.by === masterKeys.first;
    return opened === undefined || isFirst ? [] : [{ record, key: opened.key }];
  });
  const puts = stale.map(({ record, key }) =>
    putOf({ ...record, wrapped: masterKeys.wrap(key, aboutOf(record.tenant, record.id)) }),
  );
  if (puts.length > 0) await controlLog.put(CONTROL_TOPICS.keys, puts);
  const deleted = await deleteUnused(controlLog, masterKeys, now);
  // Read once more: a gateway may have drawn one in between, wrapped with the key that was the first one until now.
  const records = await dataKeyRecords(controlLog);
  const openers = records.map(({ wrapped, tenant, id }) => masterKeys.unwrap(wrapped, aboutOf(tenant, id))?.by);
  return {
    first: masterKeys.first,
    tenants: new Set(records.map(({ tenant }) => tenant)).size,
    keys: records.length,
    rewrapped: puts.length,
    drawn,
    deleted,
    shut: records.filter((_, index) => openers[index] === undefined),
    unused: masterKeys.names.filter((name) => name !== masterKeys.first && !openers.includes(name)),
  };
}

/** What is to be told, a line each. */
export function linesOf({ first, tenants, keys, rewrapped, drawn, deleted, shut, unused }: Rewrapped): string[] {
  const lines = [
    `${keys} data keys of ${tenants} tenants; ${rewrapped} were wrapped anew, with the master key ${first}`,
  ];
  if (drawn > 0) {
    lines.push(`${drawn} tenants have a new data key; gateways seal what they own anew with it, within seconds`);
  }
  if (deleted > 0) lines.push(`${deleted} old data keys were deleted: nothing is sealed with them any more`);
  for (const name of unused) {
    lines.push(`the master key ${name} is not needed any more, once every gateway runs with ${first} as its first`);
  }
  for (const { tenant, id, wrapped } of shut) {
    lines.push(`the data key ${id} of the tenant ${tenant} does not open: the master key ${wrapped.by} is missing`);
  }
  return lines;
}

async function drawForAll(controlLog: ControlLog, masterKeys: MasterKeys): Promise<number> {
  const tenants = new Set((await dataKeyRecords(controlLog)).map(({ tenant }) => tenant));
  const keys = new DataKeys(controlLog, masterKeys);
  await keys.start();
  try {
    for (const tenant of tenants) await keys.draw(tenant);
  } finally {
    await keys.stop();
  }
  return tenants.size;
}
