import type { Evidence } from '../evidence.js';
import type { HistoryLine } from '../history.js';

/** A promise that was not kept. */
export interface Finding {
  /** What happened, in two or three words with hyphens. */
  kind: string;
  /** The promise of the README that it breaks. */
  promise: string;
  /** Id of the event; or what it is about instead. */
  event: string;
  /** The business key, where there is one. */
  key?: string;
  /** What is wrong, in a sentence. */
  says: string;
  /** The lines that prove it. */
  lines: readonly HistoryLine[];
}

/** What a rule says when it finds something; the promise is added to it. */
export type Accuse = (finding: Omit<Finding, 'promise'>) => void;

/** Looks for one way of breaking a promise. */
export interface Rule {
  promise: string;
  /** The kinds of findings it can have. */
  kinds: readonly string[];
  look(evidence: Evidence, accuse: Accuse): void;
}
