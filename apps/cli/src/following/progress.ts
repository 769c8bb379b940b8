import { setTimeout as delay } from 'node:timers/promises';
import type { Output } from '../output/output.js';

const POLL_MS = 500;

/**
 * Follows something that runs at the gateway until it has ended, or until the person has seen enough: it goes on without
 * being watched.
 */
export async function follow<T>(
  first: T,
  {
    read,
    isOver,
    text,
    output,
    signal,
  }: {
    read(): Promise<T>;
    isOver(view: T): boolean;
    text(view: T): string;
    output: Output;
    signal: AbortSignal;
  },
): Promise<T> {
  let view = first;
  let said = '';
  while (!isOver(view) && !signal.aborted) {
    if (text(view) !== said) output.note((said = text(view)));
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) view = await read();
  }
  return view;
}
