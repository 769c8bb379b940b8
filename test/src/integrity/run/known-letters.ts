import { call } from '../../support/http-call.js';

interface LetterPage {
  deadLetters: { id: string }[];
  next?: string;
  partial: boolean;
}

const PAGE = 500;
const MOST_TRIES = 60;

/**
 * The dead letters that the gateway knows of, as `partition-offset` in their topic. One that an owner wrote late, of what
 * the next one delivered, stands in the topic and counts for nothing: the gateway is asked which do, once its index has
 * all attempts.
 */
export async function knownLetters(gateways: readonly string[]): Promise<ReadonlySet<string>> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const gateway = gateways[tries % gateways.length]!;
    const { partial } = await ask<{ partial?: boolean }>(`${gateway}/v1/attempts?limit=1`);
    const known = partial === false ? await allOf(gateway) : undefined;
    if (known !== undefined) return known;
  }
  throw new Error('No gateway has come to know all attempts and dead letters.');
}

/** Nothing when an answer is missing, or is not all there is. */
async function allOf(gateway: string): Promise<Set<string> | undefined> {
  const known = new Set<string>();
  for (let cursor = ''; ;) {
    const query = `limit=${PAGE}${cursor === '' ? '' : `&cursor=${cursor}`}`;
    const { deadLetters, next, partial } = await ask<LetterPage>(`${gateway}/v1/dead-letters?${query}`);
    if (deadLetters === undefined || partial === true) return undefined;
    for (const { id } of deadLetters) known.add(id);
    if (next === undefined) return known;
    cursor = next;
  }
}

async function ask<T>(url: string): Promise<Partial<T>> {
  const { status, json } = await call('GET', url);
  return status === 200 ? (json as T) : {};
}
