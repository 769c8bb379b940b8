import { CONTROL_TOPICS, LOCAL_TENANT } from '@heddle/event';
import type { z } from 'zod';
import type { AuditQuery, OperationsQuery, auditShape, operationsShape } from './ledger.shape.js';
import { add, isoTime, pageWhere, paged, progressOf, whereSql } from './page.js';
import type { TimelineIndex } from './timeline-index.js';

type Detail = Record<string, unknown>;

/** What operators want to hear of, and who did what. */
export class OperationList {
  constructor(private readonly index: TimelineIndex) {}

  async operations(query: OperationsQuery, tenant = LOCAL_TENANT): Promise<z.infer<typeof operationsShape>> {
    const upTo = await this.index.caughtUp([CONTROL_TOPICS.operations]);
    const where = pageWhere(query, ['id']);
    add(where, 'tenant = ?', tenant);
    if (query.kind !== undefined) add(where, 'substr(kind, 1, ?) = ?', query.kind.length, query.kind);
    if (query.name !== undefined) add(where, 'name = ?', query.name);
    const sql = `SELECT * FROM operation ${whereSql(where)} ORDER BY at DESC, id DESC LIMIT ${query.limit + 1}`;
    const rows = await this.index.read<{ id: number; at: number; kind: string; name: string; data: string }>(
      sql,
      where.values,
    );
    const { views, ...next } = paged(
      rows,
      query.limit,
      ({ at, id }) => [at, id],
      ({ at, kind, name, data }) => ({ at: isoTime(at), kind, tenant, name, detail: detailOf(data) }),
    );
    return { operations: views, ...next, ...progressOf(upTo) };
  }

  async audit(query: AuditQuery, tenant = LOCAL_TENANT): Promise<z.infer<typeof auditShape>> {
    const upTo = await this.index.caughtUp([CONTROL_TOPICS.audit]);
    const where = pageWhere(query, ['id']);
    add(where, 'tenant = ?', tenant);
    for (const name of ['who', 'action', 'target'] as const) {
      const value = query[name];
      if (value !== undefined) add(where, `${name} = ?`, value);
    }
    const sql = `SELECT * FROM audit ${whereSql(where)} ORDER BY at DESC, id DESC LIMIT ${query.limit + 1}`;
    const rows = await this.index.read<{
      id: number;
      at: number;
      who: string;
      action: string;
      target: string;
      data: string;
    }>(sql, where.values);
    const { views, ...next } = paged(
      rows,
      query.limit,
      ({ at, id }) => [at, id],
      ({ at, who, action, target, data }) => {
        const { result } = JSON.parse(data) as { result?: string };
        return { at: isoTime(at), tenant, who, action, target, detail: detailOf(data), result: result ?? '' };
      },
    );
    return { entries: views, ...next, ...progressOf(upTo) };
  }
}

function detailOf(data: string): Detail {
  return (JSON.parse(data) as { detail?: Detail }).detail ?? {};
}
