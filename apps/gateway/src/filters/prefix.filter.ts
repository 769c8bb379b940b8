import { attributeDialect } from './attribute-dialect.js';

/** Attributes that begin as given. */
export const prefix = attributeDialect({
  name: 'prefix',
  holds: (value, wanted) => value.startsWith(wanted),
  unlike: 'does not begin with',
});
