import { HeddleError } from '@heddle/event';

/** Who reads events of a type: a queue of the gateway, or a consumer group on Kafka, which services are. */
export interface EventReader {
  kind: 'queue' | 'service';
  name: string;
}

/** Who reads a type, asked for each that something is wrong with; undefined where it cannot be told. */
export type ReadersOf = (type: string) => Promise<readonly EventReader[] | undefined>;

/** The gateway that is asked who reads a type. */
export interface GatewayReadersOptions {
  /** Of the gateway, without a path. */
  url: string;
  /** An access token, asked for before each request. */
  token?: (() => string | Promise<string>) | undefined;
  timeoutMs?: number;
}

/**
 * Asks a gateway who reads a type (`GET /v1/catalogue/{type}/readers`): queues of the token's tenant that the token may
 * see, and services.
 *
 * @throws HeddleError `owner-unavailable` when the gateway does not answer, or not so.
 */
export function gatewayReaders({ url, token, timeoutMs = 5_000 }: GatewayReadersOptions): ReadersOf {
  const base = url.replace(/\/+$/, '');
  return async (type) => {
    const given = await token?.();
    const headers = given === undefined ? {} : { authorization: `Bearer ${given}` };
    try {
      const response = await fetch(`${base}/v1/catalogue/${encodeURIComponent(type)}/readers`, {
        headers,
        signal: AbortSignal.timeout(timeoutMs),
      });
      // A type that is new to the gateway has no readers.
      if (response.status === 404) return [];
      if (!response.ok) throw new Error(`status ${response.status}`);
      const { queues, services } = (await response.json()) as Record<'queues' | 'services', { name: string }[]>;
      return [
        ...queues.map(({ name }) => ({ kind: 'queue' as const, name })),
        ...services.map(({ name }) => ({ kind: 'service' as const, name })),
      ];
    } catch (cause) {
      throw new HeddleError('owner-unavailable', `The gateway at ${base} does not say who reads ${type}.`, { cause });
    }
  };
}
