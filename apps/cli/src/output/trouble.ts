import { styleText } from 'node:util';
import { HeddleError } from '@heddle/event';

/** What went wrong, for the person: what, where, and what to do; for programs as one JSON object. */
export function troubleText(error: unknown, asJson: boolean, hasColours: boolean): string {
  const known = error instanceof HeddleError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (asJson) {
    const { code, field, fields, retryable } = known ?? { code: 'internal', retryable: false };
    return JSON.stringify({
      error: {
        code,
        detail: message,
        retryable,
        ...(field === undefined ? {} : { field }),
        ...(fields === undefined ? {} : { errors: fields }),
      },
    });
  }
  const cross = hasColours ? styleText('red', '✖', { validateStream: false }) : '✖';
  return [`${cross} ${message}`, ...ruleLines(known?.fields)].join('\n');
}

/** `  field: rule`, a line for each. */
export function ruleLines(fields: readonly { field: string; rule: string }[] = []): string[] {
  return fields.map(({ field, rule }) => `  ${field}: ${rule}`);
}
