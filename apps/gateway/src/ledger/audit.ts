import type { Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { EVENTS, MANAGEMENT, MESSAGING } from '../event-mesh/sap-path.js';
import { HOP_HEADER } from '../hop.js';
import type { AuditEntry, Ledger } from './ledger.js';
import { type Refusal, Refusals, isRefusal } from './refusals.js';

interface Act {
  action: AuditEntry['action'];
  /** What it is done to: a kind, and the path parameter with the name; the kind alone is all of them. */
  target: string;
  param?: string;
  /** Fields of the body that are kept with it; none has a secret. */
  fields?: readonly string[];
  /** Parameters of the path that are kept with it, too. */
  params?: readonly string[];
}

const QUEUE = { target: 'queue', param: 'name' };
const CHANNEL = { target: 'channel', param: 'name' };
const WEBHOOK = { target: 'webhook', param: 'name' };
const CLIENT = { target: 'client', param: 'client' };
const TENANT = { target: 'tenant', param: 'tenant' };
/** What of it was changed is in the events that the change raises. */
const ODATA = { target: 'odata', param: 'service' };
const REPLAY_FIELDS = ['from', 'to', 'key', 'eventIds', 'filter', 'ratePerSecond', 'dryRun'];

/** What is kept of who did it: whatever manages something or delivers it again, and every look at a payload. */
const ACTS: Readonly<Record<string, Act>> = {
  'PUT /v1/queues/:name': { action: 'queue.put', ...QUEUE, fields: ['types', 'topicPatterns', 'topics', 'shape'] },
  'DELETE /v1/queues/:name': { action: 'queue.delete', ...QUEUE },
  'POST /v1/queues/:name/pause': { action: 'queue.pause', ...QUEUE },
  'POST /v1/queues/:name/resume': { action: 'queue.resume', ...QUEUE },
  'POST /v1/queues/:name/purge': { action: 'queue.purge', ...QUEUE, fields: ['before'] },
  'POST /v1/queues/:name/test-events': { action: 'queue.test-events', ...QUEUE, fields: ['types', 'count'] },
  'POST /v1/queues/:name/replay': { action: 'queue.replay', ...QUEUE, fields: REPLAY_FIELDS },
  'POST /v1/queues/:name/replays/:id/stop': { action: 'queue.replay-stop', ...QUEUE },
  'PUT /v1/channels/:name': { action: 'channel.put', ...CHANNEL, fields: ['bindings', 'active', 'shape'] },
  'DELETE /v1/channels/:name': { action: 'channel.delete', ...CHANNEL },
  'POST /v1/channels/:name/activate': { action: 'channel.activate', ...CHANNEL },
  'POST /v1/channels/:name/deactivate': { action: 'channel.deactivate', ...CHANNEL },
  'POST /v1/channels/:name/test-events': { action: 'channel.test-events', ...CHANNEL, fields: ['types', 'count'] },
  'POST /v1/channels/:name/retry': { action: 'channel.retry', ...CHANNEL, fields: ['ids', 'type', 'dryRun'] },
  'PUT /v1/webhooks/:name': { action: 'webhook.put', ...WEBHOOK, fields: ['types', 'topicPatterns', 'queue'] },
  'DELETE /v1/webhooks/:name': { action: 'webhook.delete', ...WEBHOOK },
  'POST /v1/webhooks/:name/pause': { action: 'webhook.pause', ...WEBHOOK },
  'POST /v1/webhooks/:name/resume': { action: 'webhook.resume', ...WEBHOOK },
  'POST /v1/webhooks/:name/secrets/rotate': { action: 'webhook.rotate-secret', ...WEBHOOK, fields: ['kind'] },
  'POST /v1/webhooks/:name/test': { action: 'webhook.test', ...WEBHOOK, fields: ['id', 'type'] },
  'GET /v1/dead-letters/:id': { action: 'dead-letter.view', target: 'dead-letter', param: 'id' },
  'POST /v1/dead-letters/redrive': {
    action: 'dead-letters.redrive',
    target: 'dead-letters',
    fields: ['ids', 'filter', 'ratePerSecond', 'dryRun'],
  },
  'POST /v1/dead-letters/redrives/:id/stop': { action: 'dead-letters.redrive-stop', target: 'redrive', param: 'id' },
  'GET /v1/events/:id': { action: 'event.view', target: 'event', param: 'id' },
  'POST /v1/filters/test': { action: 'filter.test', target: 'events', fields: ['filter', 'types', 'last'] },
  'PUT /v1/clients/:client': { action: 'client.put', ...CLIENT, fields: ['namespace', 'permissions', 'disabled'] },
  'DELETE /v1/clients/:client': { action: 'client.delete', ...CLIENT },
  'POST /v1/clients/:client/secrets': { action: 'client.rotate-secret', ...CLIENT, fields: ['overlapSeconds'] },
  'DELETE /v1/clients/:client/secrets/:id': { action: 'client.remove-secret', ...CLIENT },
  'POST /v1/clients/:client/service-key': { action: 'client.make-service-key', ...CLIENT, fields: ['overlapSeconds'] },
  'POST /sap/opu/odata/sap/:service/*': { action: 'object.change', ...ODATA },
  [`POST ${MESSAGING}/subscriptions`]: { action: 'webhook.put', target: 'webhook', fields: ['name', 'address'] },
  [`DELETE ${MESSAGING}/subscriptions/:name`]: { action: 'webhook.delete', ...WEBHOOK },
  [`POST ${MESSAGING}/subscriptions/:name/handshake`]: { action: 'webhook.handshake', ...WEBHOOK },
  [`PUT ${MESSAGING}/subscriptions/:name/state`]: { action: 'webhook.state', ...WEBHOOK, fields: ['action'] },
  [`POST ${EVENTS}/events/subscriptions`]: { action: 'webhook.put', target: 'webhook', fields: ['name', 'events'] },
  [`PATCH ${EVENTS}/events/subscriptions/:name`]: { action: 'webhook.put', ...WEBHOOK },
  [`DELETE ${EVENTS}/events/subscriptions/:name`]: { action: 'webhook.delete', ...WEBHOOK },
  [`POST ${EVENTS}/events/subscriptions/:name/handshake`]: { action: 'webhook.handshake', ...WEBHOOK },
  [`PUT ${EVENTS}/events/subscriptions/:name/state`]: { action: 'webhook.state', ...WEBHOOK, fields: ['action'] },
  [`PUT ${MANAGEMENT}/queues/:name`]: {
    action: 'queue.put',
    ...QUEUE,
    fields: ['accessType', 'deadMsgQueue', 'maxRedeliveryCount', 'maxQueueMessageCount', 'maxQueueSizeInBytes'],
  },
  [`DELETE ${MANAGEMENT}/queues/:name`]: { action: 'queue.delete', ...QUEUE },
  [`PUT ${MANAGEMENT}/queues/:name/subscriptions/:pattern`]: {
    action: 'queue.subscribe',
    ...QUEUE,
    params: ['pattern'],
  },
  [`DELETE ${MANAGEMENT}/queues/:name/subscriptions/:pattern`]: {
    action: 'queue.unsubscribe',
    ...QUEUE,
    params: ['pattern'],
  },
  'PUT /v1/tenants/:tenant': { action: 'tenant.put', ...TENANT },
  'DELETE /v1/tenants/:tenant': { action: 'tenant.delete', ...TENANT },
};

const MAX_TARGET = 300;
/** Entries that are kept of a list. */
const MAX_LISTED = 100;

/**
 * Who did what, when, from where, and how it ended: kept of each request for one of a list of routes once it is
 * answered, refusals included. Of one that another instance handed on, that instance keeps it. Of all other requests
 * those are kept that were not let in (401) or not let do something (403). Refusals that come again are counted.
 */
export class Audit {
  readonly #refusals: Refusals;

  constructor(private readonly ledger: Pick<Ledger, 'audit'>) {
    this.#refusals = new Refusals(ledger);
  }

  /** Watches over routes; added before any of them. */
  attach(server: FastifyInstance): void {
    server.addHook('onResponse', (request, reply, done) => {
      this.#answeredNo(request, reply);
      done();
    });
    server.addHook('onRoute', (route) => {
      const act = actOf(route);
      if (act === undefined) return;
      const own = route.onResponse ?? [];
      const note = (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
        this.#answered(act, request, reply);
        done();
      };
      route.onResponse = [...(Array.isArray(own) ? own : [own]), note];
    });
  }

  /** Keeps an act that is no request of its own. */
  note(
    { tenant, client: who }: Pick<Caller, 'tenant' | 'client'>,
    { ip: from }: Pick<FastifyRequest, 'ip'>,
    entry: Pick<AuditEntry, 'action' | 'target' | 'result' | 'detail'>,
  ): void {
    this.ledger.audit({ tenant, who, from, ...entry });
  }

  /** Of a connection that is no request: who asked and was not let in, or not let do what it asked for. */
  refused(error: unknown, { by, from, target }: Pick<Refusal, 'by' | 'from' | 'target'>): void {
    if (!isRefusal(error)) return;
    this.#refusals.note({
      by,
      from,
      action: 'access.refused',
      target,
      detail: { status: error.status, code: error.code },
    });
  }

  /** Writes what was only counted so far. */
  stop(): void {
    this.#refusals.sum();
  }

  #answeredNo(
    { caller: by, ip: from, headers, method, routeOptions }: FastifyRequest,
    { statusCode }: FastifyReply,
  ): void {
    if ((statusCode !== 401 && statusCode !== 403) || headers[HOP_HEADER] !== undefined) return;
    const { url } = routeOptions;
    // Without a route there was nothing to be let into; what an act was is said by its own entry.
    if (url === undefined || (by !== undefined && ACTS[`${method} ${url}`] !== undefined)) return;
    // As the route is written, and not as it was asked for: that may be anything.
    this.#refusals.note({
      by,
      from,
      action: 'access.refused',
      target: `${method} ${url}`,
      detail: { status: statusCode },
    });
  }

  #answered(act: Act, request: FastifyRequest, reply: FastifyReply): void {
    const { caller, headers } = request;
    // Who did not say who it is has no tenant that this could be told to.
    if (caller === undefined || headers[HOP_HEADER] !== undefined) return;
    const { statusCode } = reply;
    const location = reply.getHeader('location');
    const result = statusCode < 400 ? 'done' : statusCode < 500 ? 'refused' : 'failed';
    const detail = {
      ...fieldsOf(request.params, act.params ?? []),
      ...fieldsOf(request.body, act.fields ?? []),
      ...(typeof location === 'string' ? { location } : {}),
      ...(result === 'done' ? {} : { status: statusCode }),
    };
    const target = targetOf(act, request);
    if (result !== 'refused') this.note(caller, request, { action: act.action, target, result, detail });
    else this.#refusals.note({ by: caller, from: request.ip, action: act.action, target, detail });
  }
}

/** @throws HeddleError `internal` for a route that manages something and is not on the list */
function actOf({ method, url, config }: RouteOptions & { url: string }): Act | undefined {
  const methods = Array.isArray(method) ? method : [method];
  for (const one of methods) {
    const act = ACTS[`${one} ${url}`];
    if (act !== undefined) return act;
    const access = config?.access;
    const isRead = one === 'GET' || one === 'HEAD';
    if (isRead || typeof access !== 'object' || (access.verb !== 'manage' && access.verb !== 'replay')) continue;
    throw new HeddleError('internal', `The route ${one} ${url} is not among the acts that are kept in the audit.`);
  }
  return undefined;
}

function targetOf({ target, param }: Act, { params }: FastifyRequest): string {
  if (param === undefined) return target;
  return `${target}/${(params as Record<string, string>)[param] ?? ''}`.slice(0, MAX_TARGET);
}

function fieldsOf(body: unknown, fields: readonly string[]): Record<string, unknown> {
  if (typeof body !== 'object' || body === null) return {};
  const given = body as Record<string, unknown>;
  return Object.fromEntries(
    fields.flatMap((field) => {
      const value = given[field];
      if (value === undefined) return [];
      return [[field, Array.isArray(value) ? value.slice(0, MAX_LISTED) : value]];
    }),
  );
}
