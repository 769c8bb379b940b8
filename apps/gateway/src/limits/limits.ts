import { LOCAL_TENANT } from '@heddle/event';
import type { Caller } from '@heddle/auth';
import { type JsonLimits, type SocketUse, jsonLimitsOf } from '@heddle/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Connections } from './connections.js';
import { LIMIT_VALUES, type LimitValues } from './limit.settings.js';
import { type NearLimit, NearLimits } from './near-limit.js';
import { Quotas } from './quotas.js';
import { answerRate } from './rate-answer.js';
import { RateLimits } from './rate-limits.js';

/** Members of a batch in JSON, for each that a single event may have. */
const BATCH_PROPERTIES = 5;

/** Everything that bounds what clients and tenants may have and do at this instance. */
export class Limits {
  readonly rates: RateLimits;
  readonly connections: Connections;
  readonly quotas: Quotas;
  readonly json: JsonLimits;
  readonly batchJson: JsonLimits;
  readonly #near: NearLimits;

  /** @param onNear hears of what comes to 80 % of a limit */
  constructor(
    readonly values: LimitValues = LIMIT_VALUES,
    onNear: (near: NearLimit) => void = () => undefined,
  ) {
    this.#near = new NearLimits(onNear);
    this.rates = new RateLimits(values, this.#near);
    this.connections = new Connections(values, this.#near);
    this.quotas = new Quotas(values, this.#near);
    this.json = jsonLimitsOf(values);
    this.batchJson = { ...this.json, properties: this.json.properties * BATCH_PROPERTIES };
  }

  /** Takes the cost of a request from whom it comes. @throws HeddleError `rate-limited` */
  charge(request: FastifyRequest, reply: FastifyReply, cost = 1): void {
    if (cost <= 0) return;
    const { tenant, client } = payerOf(request.caller, request.ip);
    answerRate(this.rates.take(tenant, client, cost), reply);
  }

  /** Takes a request for an access token from the address it comes from. @throws HeddleError `rate-limited` */
  chargeToken(request: FastifyRequest, reply: FastifyReply): void {
    answerRate(this.rates.takeToken(request.ip), reply);
  }

  /**
   * Counts a WebSocket or stream. Returns how to say that it has ended.
   *
   * @throws HeddleError `too-many-connections`
   */
  connect(caller: Caller | undefined, address: string | undefined): () => void {
    return this.connections.add({ ...payerOf(caller, address ?? ''), address: address ?? '' });
  }

  /** For connections of any kind, as the server counts them. */
  onSocket({ address, used, limit }: SocketUse): void {
    this.#near.note(used, limit, undefined, () =>
      address === undefined ? 'sockets/instance' : `sockets/address/${address}`,
    );
  }
}

/** Whoever is not known pays as the address it comes from. */
function payerOf(caller: Caller | undefined, address: string): { tenant: string; client: string } {
  return caller ?? { tenant: LOCAL_TENANT, client: address };
}
