import type { Column } from '../output/table.js';

/** What a thing is to be, as a file has it. */
export type Spec = Record<string, unknown>;

/** A thing as the gateway shows it. */
export type View = Record<string, unknown>;

/** What `queue`, `webhook`, `channel` and `client` differ in; all commands over files are the same for each. */
export interface Kind {
  name: 'queue' | 'webhook' | 'channel' | 'client';
  /** `/v1/queues` */
  path: string;
  /** The field of a list's answer that has the things. */
  list: string;
  columns: readonly Column<View>[];
  nameOf(view: View): string;
  /** Whether it belongs to another thing, and comes and goes with that. */
  isPart?(view: View): boolean;
  /**
   * What a file would have to say for the thing to be as it is, secrets masked as the gateway shows them.
   *
   * @param read reads another thing that belongs to it
   */
  specOf(view: View, read: (path: string) => Promise<View>): Promise<Spec>;
  /** What a file comes to: with defaults for what it leaves out, and what stays as it is when it is left out. */
  whole(wanted: Spec, present: Spec | undefined): Spec;
  /** Fields that count only when a thing is made. */
  onlyNew: readonly string[];
}

export function pick(view: View, names: readonly string[]): Spec {
  return Object.fromEntries(names.filter((name) => view[name] !== undefined).map((name) => [name, view[name]]));
}
