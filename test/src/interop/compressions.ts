import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CHECKOUT } from '@heddle/infra';

const PROGRAM = join(CHECKOUT, 'test', 'interop', 'compressions.mjs');

/** The compressions of the batches in a topic, sorted, once so many were seen; fewer after 20 s without more. */
export async function compressionsIn(brokers: readonly string[], topic: string, count: number): Promise<string[]> {
  const args = ['--disable-warning=TimeoutNegativeWarning', PROGRAM, brokers.join(','), topic, String(count)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as string[];
}
