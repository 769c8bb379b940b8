import { type Kind, type Spec, type View, pick } from './kind.js';
import { textOf } from '../output/text.js';

export const clientKind: Kind = {
  name: 'client',
  path: '/v1/clients',
  list: 'clients',
  columns: [
    { title: 'name', of: ({ client }) => String(client) },
    { title: 'state', of: ({ disabled }) => (disabled ? 'disabled' : '') },
    { title: 'secrets', of: ({ secrets }) => (secrets as unknown[]).length, align: 'right' },
    { title: 'keys', of: ({ keys }) => (keys as unknown[]).length, align: 'right' },
    { title: 'description', of: ({ description }) => textOf(description) },
    { title: 'permissions', of: ({ permissions }) => (permissions as string[]).join(' ') },
  ],
  nameOf: ({ client }) => String(client),
  specOf: (view) => Promise.resolve(clientSpec(view)),
  whole(wanted, present) {
    const { permissions, keys, ...rest } = wanted;
    const rights = rest['descriptor'] === undefined ? { permissions: sorted(permissions) } : {};
    return {
      disabled: false,
      // That of whoever makes it: left out, it stays.
      ...(present === undefined ? {} : pick(present, ['namespace'])),
      ...rest,
      ...rights,
      keys: wholeKeys(keys, present?.['keys']),
    };
  },
  onlyNew: [],
};

function clientSpec(view: View): Spec {
  const { permissions, keys, descriptor } = view;
  // The permissions of a message client come from its descriptor, and from nowhere else.
  const rights = descriptor === undefined ? { permissions: sorted(permissions) } : { descriptor };
  return { ...pick(view, ['namespace', 'description', 'disabled', 'certificates']), ...rights, keys };
}

/** In what order they stand means nothing. */
function sorted(permissions: unknown): unknown {
  return Array.isArray(permissions) ? (permissions as string[]).toSorted() : permissions;
}

/** The gateway adds to a key what it leaves out, an id say: the same key then has it, too. */
function wholeKeys(wanted: unknown, present: unknown): unknown {
  if (!Array.isArray(wanted)) return wanted ?? [];
  const known = Array.isArray(present) ? (present as Spec[]) : [];
  return (wanted as Spec[]).map((key, index) => {
    const same = known[index];
    const isSame = same !== undefined && ['kty', 'crv', 'x', 'y', 'n', 'e'].every((name) => key[name] === same[name]);
    return isSame ? { ...same, ...key } : key;
  });
}
