import { attributeDialect } from './attribute-dialect.js';

/** Attributes that end as given. */
export const suffix = attributeDialect({
  name: 'suffix',
  holds: (value, wanted) => value.endsWith(wanted),
  unlike: 'does not end with',
});
