import { type Caller, requirePermission } from '@heddle/auth';
import { CONTROL_TOPICS } from '@heddle/event';
import type { z } from 'zod';
import type { AuditQuery, OperationsQuery, auditShape, operationsShape } from './ledger.shape.js';
import { maySee } from '../queues/queue-rights.js';
import { type Page, add, isoTime, pageSeen, pageWhere, paged, progressOf, whereSql } from './page.js';
import type { TimelineIndex } from './timeline-index.js';

type Detail = Record<string, unknown>;

interface OperationRow {
  id: number;
  at: number;
  kind: string;
  name: string;
  data: string;
}

/** Operations that have the name of a queue, or of a webhook, whose rights are those on queues of its name. */
const OF_QUEUES = new Set(['queue', 'webhook', 'replay']);

/** What operators want to hear of, and who did what. */
export class OperationList {
  constructor(private readonly index: TimelineIndex) {}

  /** What is about queues and webhooks that somebody may know of; the rest is for those who manage clients. */
  async operations(caller: Caller, query: OperationsQuery): Promise<z.infer<typeof operationsShape>> {
    const upTo = await this.index.caughtUp([CONTROL_TOPICS.operations]);
    const { rows, ...next } = await pageSeen(
      query,
      (page) => this.#rows(caller.tenant, { ...query, ...page }),
      ({ at, id }) => [at, id],
      (row) => maySeeOperation(caller, row),
    );
    const operations = rows.map(({ at, kind, name, data }) => ({
      at: isoTime(at),
      kind,
      tenant: caller.tenant,
      name,
      detail: detailOf(data),
    }));
    return { operations, ...next, ...progressOf(upTo) };
  }

  /** What redrives of a tenant reported, the newest first. */
  async ofRedrives(tenant: string, limit: number): Promise<{ name: string; at: number; detail: Detail }[]> {
    await this.index.caughtUp([CONTROL_TOPICS.operations]);
    const rows = await this.#rows(tenant, { kind: 'redrive.', limit });
    return rows.map(({ name, at, data }) => ({ name, at, detail: detailOf(data) }));
  }

  /** @throws HeddleError `permission-missing` for whoever does not manage all clients */
  async audit(caller: Caller, query: AuditQuery): Promise<z.infer<typeof auditShape>> {
    requirePermission(caller, 'manage', 'client', '*');
    const { tenant } = caller;
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
        const { from = '', result = '' } = JSON.parse(data) as { from?: string; result?: string };
        return { at: isoTime(at), tenant, who, from, action, target, detail: detailOf(data), result };
      },
    );
    return { entries: views, ...next, ...progressOf(upTo) };
  }

  #rows(tenant: string, query: Page & Pick<OperationsQuery, 'kind' | 'name'>): Promise<OperationRow[]> {
    const where = pageWhere(query, ['id']);
    add(where, 'tenant = ?', tenant);
    if (query.kind !== undefined) add(where, 'substr(kind, 1, ?) = ?', query.kind.length, query.kind);
    if (query.name !== undefined) add(where, 'name = ?', query.name);
    const sql = `SELECT * FROM operation ${whereSql(where)} ORDER BY at DESC, id DESC LIMIT ${query.limit + 1}`;
    return this.index.read<OperationRow>(sql, where.values);
  }
}

function maySeeOperation(caller: Caller, { kind, name, data }: OperationRow): boolean {
  const [about = ''] = kind.split('.', 1);
  if (OF_QUEUES.has(about)) return maySee(caller, name);
  if (about !== 'redrive') return caller.permissions.allows('manage', 'client', '*');
  const { queues = {} } = detailOf(data) as { queues?: Record<string, number> };
  return Object.keys(queues).every((queue) => maySee(caller, queue));
}

function detailOf(data: string): Detail {
  return (JSON.parse(data) as { detail?: Detail }).detail ?? {};
}
