import { HeddleError } from '@heddle/event';
import { nearest } from './nearest.js';

/** What is wrong with a command line: the command ends with 2, and has done nothing. */
export function wrongLine(message: string, field?: string): HeddleError {
  return new HeddleError('command-invalid', message, field === undefined ? {} : { field });
}

/** ` Did you mean …?`, or nothing. */
export function meant(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates);
  return near === undefined ? '' : ` Did you mean ${near}?`;
}
