import type { Readable } from 'node:stream';
import type { Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { CSRF_HEADER, ODATA_PATH, csrfTokenOf, isBatchUrl, mustShowToken } from '@heddle/odata';
import { Agent, type Dispatcher, request } from 'undici';
import type { GatewayMetrics } from '../metrics.js';
import type { Objects } from './objects.js';
import { ODATA_SERVICES } from './odata-services.js';

const OBJECTS: ReadonlyMap<string, string> = new Map(Object.entries(ODATA_SERVICES));

/** What a client asks of such a service. */
export interface ODataWish {
  service: string;
  method: string;
  /** Path and query below the service, as they came: `/A_SalesOrder('4711')?$expand=to_Item`. */
  below: string;
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer | undefined;
  /** As the client has reached this gateway: links in answers begin with it. */
  origin: string;
}

/** What the owner answers. */
export interface ODataHandedOn {
  status: number;
  headers: Record<string, string>;
  /** To be read to its end, or destroyed. */
  body: Readable;
}

/** A token for the services of a mesh that says of somebody what its own says. */
export type TokenFor = (caller: Caller) => string | Promise<string>;

/** An owner that says nothing for so long is not there: its statements may take five seconds, its batches ten. */
const OWNER_TIMEOUT_MS = 15_000;
const CONNECTIONS = 32;
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** What a client says to the owner, and the owner to the client; the rest is between one of them and this gateway. */
const ASKED = [
  ...['accept', 'content-type', 'if-match', 'if-none-match', 'dataserviceversion', 'maxdataserviceversion'],
  ...['x-http-method', 'x-http-method-override', 'heddle-version', 'traceparent', 'x-correlation-id', 'x-causation-id'],
];
const ANSWERED = ['content-type', 'content-length', 'etag', 'location', 'retry-after', 'dataserviceversion', 'allow'];

/**
 * Hands requests for OData services on to the services that own the objects, in the name of whoever asks, and answers
 * back as they come. An owner reads its own database: it answers nothing older than what it notified of.
 */
export class ODataOwners {
  readonly #agent = new Agent({
    connections: CONNECTIONS,
    headersTimeout: OWNER_TIMEOUT_MS,
    bodyTimeout: OWNER_TIMEOUT_MS,
  });

  constructor(
    private readonly objects: Pick<Objects, 'requireFetch' | 'requireChange' | 'baseOf'>,
    private readonly tokenFor: TokenFor,
    private readonly metrics: Pick<GatewayMetrics, 'fetches'>,
  ) {}

  /**
   * @throws HeddleError `permission-missing`; `not-found` for a service that nobody has, for this tenant;
   *   `owner-unavailable`
   */
  async handOn(caller: Caller, wish: ODataWish, csrfToken: string): Promise<ODataHandedOn> {
    const { service, method, below, headers, body, origin } = wish;
    const object = OBJECTS.get(service);
    if (object === undefined) throw unknown(service);
    this.objects.requireFetch(caller, object);
    const isRead = READS.has(method);
    const isChange = !isRead && !(method === 'POST' && isBatchUrl(below));
    // What a batch changes is asked for where it is known, by its owner.
    if (isChange) this.objects.requireChange(caller, object);
    const base = this.objects.baseOf(caller.tenant, object);
    if (base === undefined) throw unknown(service);
    if (!isRead) mustShowToken(wish, csrfToken);
    const authorization = `Bearer ${await this.tokenFor(caller)}`;
    const { protocol, host } = new URL(origin);
    const asked = ASKED.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : []));
    const answer = await this.#ask(`${base}${ODATA_PATH}/${service}${below}`, {
      method: method as Dispatcher.HttpMethod,
      headers: {
        ...(Object.fromEntries(asked) as Record<string, string>),
        authorization,
        // The client has shown its own; this one goes with the token above.
        ...(!isRead ? { [CSRF_HEADER]: csrfTokenOf(authorization) } : {}),
        'x-forwarded-host': host,
        'x-forwarded-proto': protocol.slice(0, -1),
      },
      ...(body === undefined || body.length === 0 ? {} : { body }),
    });
    this.metrics.fetches.inc({ outcome: isRead ? 'odata' : 'changed' });
    const said = ANSWERED.flatMap((name) => {
      const value = answer.headers[name];
      return typeof value === 'string' ? [[name, value]] : [];
    });
    const own = { ...(Object.fromEntries(said) as Record<string, string>), 'cache-control': 'private, no-cache' };
    return { status: answer.statusCode, headers: own, body: answer.body };
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #ask(
    url: string,
    options: Omit<Dispatcher.RequestOptions, 'origin' | 'path'>,
  ): Promise<Dispatcher.ResponseData> {
    let answer: Dispatcher.ResponseData;
    try {
      answer = await request(url, { ...options, dispatcher: this.#agent });
    } catch (cause) {
      throw new HeddleError('owner-unavailable', 'The service that owns the objects did not answer; try again.', {
        cause,
        retryAfterSeconds: 1,
      });
    }
    // It does not know this gateway, or its own inside is in disorder: neither is the client's to know.
    if (answer.statusCode !== 401 && answer.statusCode !== 500) return answer;
    await answer.body.dump().catch(() => undefined);
    throw new HeddleError(
      'owner-unavailable',
      `The service that owns the objects answered with ${answer.statusCode}; try again.`,
      {
        retryAfterSeconds: 1,
      },
    );
  }
}

function unknown(service: string): HeddleError {
  return new HeddleError('not-found', `There is no OData service ${JSON.stringify(service.slice(0, 60))} here.`, {
    field: 'service',
  });
}
