import { type Kind, pick } from './kind.js';
import { queueSpec, wholeQueue } from './queue-kind.js';

interface Bound {
  type: string;
  filters?: readonly unknown[];
}

export const channelKind: Kind = {
  name: 'channel',
  path: '/v1/channels',
  list: 'channels',
  columns: [
    { title: 'name', of: ({ name }) => String(name) },
    { title: 'state', of: ({ active }) => (active === true ? 'active' : 'inactive') },
    {
      title: 'held',
      of: ({ statistics }) => (statistics as { messages: number } | undefined)?.messages,
      align: 'right',
    },
    { title: 'bindings', of: ({ bindings }) => (bindings as Bound[]).map(written).join(' ') },
  ],
  nameOf: ({ name }) => String(name),
  specOf: (view) => Promise.resolve({ ...pick(view, ['bindings']), ...queueSpec(view), ...pick(view, ['active']) }),
  whole(wanted, present) {
    const { filter: _none, ...whole } = wholeQueue(wanted, present);
    return { active: present?.['active'] ?? true, ...whole };
  },
  onlyNew: ['start'],
};

function written({ type, filters = [] }: Bound): string {
  return filters.length === 0 ? type : `${type}(filtered)`;
}
