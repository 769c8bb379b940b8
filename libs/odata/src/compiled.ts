import type { Sql } from './columns.js';
import type { EdmKind, EdmType } from './edm.js';
import type { PropertyModel } from './model.js';

/** An expression as SQL, and what it is of; null alone is of no kind. */
export interface Compiled {
  kind: EdmKind | 'null';
  type: EdmType | 'null';
  sql: Sql;
  /** Where it is a property as it is. */
  property?: PropertyModel;
  /** Where it is a literal. */
  literal?: string | number | boolean;
}

/** A condition. */
export function flag(condition: Sql): Compiled {
  return { kind: 'flag', type: 'Edm.Boolean', sql: condition };
}
