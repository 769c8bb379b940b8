import { ERRORS, HeddleError } from '@heddle/event';

/** What a command ends with, for scripts: stable. */
export const EXIT = {
  ok: { code: 0, about: 'done' },
  failed: { code: 1, about: 'refused, or something went wrong' },
  usage: { code: 2, about: 'the command line is wrong; nothing was done' },
  unreachable: { code: 3, about: 'not reachable, or busy: the same may succeed later' },
  denied: { code: 4, about: 'no token, a wrong one, or a permission that is missing' },
  missing: { code: 5, about: 'there is nothing under this name' },
  conflict: { code: 6, about: 'it was changed meanwhile, or its state does not allow it' },
  differs: { code: 7, about: '`diff` found differences' },
  interrupted: { code: 130, about: 'ended by a signal before it was done' },
} as const;

const BY_STATUS: Readonly<Record<number, number>> = {
  401: EXIT.denied.code,
  403: EXIT.denied.code,
  404: EXIT.missing.code,
  410: EXIT.missing.code,
  409: EXIT.conflict.code,
  412: EXIT.conflict.code,
};

/** What an error ends a command with. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof HeddleError)) return EXIT.failed.code;
  if (error.code === 'command-invalid') return EXIT.usage.code;
  const { status, retryable } = ERRORS[error.code];
  return BY_STATUS[status] ?? (retryable ? EXIT.unreachable.code : EXIT.failed.code);
}
