import { attributeDialect } from './attribute-dialect.js';

/** Attributes that are exactly as given. */
export const exact = attributeDialect({
  name: 'exact',
  holds: (value, wanted) => value === wanted,
  unlike: 'is not',
});
