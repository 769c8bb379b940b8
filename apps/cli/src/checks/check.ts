import type { Gateway } from '../gateway.js';
import type { Environment } from '../settings.js';

/** What a check found: what is, and what to do where that is not as it should be. */
export interface Finding {
  /** `unsure` is worth a look and no failure; `skipped` could not be looked at, or is not there. */
  state: 'ok' | 'unsure' | 'failed' | 'skipped';
  detail: string;
  advice?: string;
}

/** What all checks work with. */
export interface Patient {
  gateway: Gateway;
  environment: Environment;
  /** Where to look by oneself, beside what the gateway says. */
  brokers: readonly string[];
  registryUrl: string | undefined;
  databaseUrl: string | undefined;
  /** Services by name, whose health is asked for. */
  services: readonly { name: string; url: string }[];
  /** Permissions that there have to be. */
  needs: readonly string[];
  /** Ends a check that takes too long. */
  signal: AbortSignal;
}

/** One thing that can be wrong. */
export interface Check {
  name: string;
  about: string;
  /** Checks without which this one says nothing: it is skipped when one of them failed. */
  after: readonly string[];
  /** What the command ends with when this is the first that failed. */
  exitCode: number;
  look(patient: Patient): Promise<Finding>;
}

export function ok(detail: string): Finding {
  return { state: 'ok', detail };
}

export function failed(detail: string, advice: string): Finding {
  return { state: 'failed', detail, advice };
}

export function unsure(detail: string, advice: string): Finding {
  return { state: 'unsure', detail, advice };
}

export function skipped(detail: string): Finding {
  return { state: 'skipped', detail };
}
