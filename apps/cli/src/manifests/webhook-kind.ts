import { type Kind, type Spec, type View, pick } from './kind.js';
import { queueSpec, wholeQueue } from './queue-kind.js';
import { textOf } from '../output/text.js';

const DELIVERY = { maxInFlight: 64, timeoutMs: 15_000 } as const;
const DEFAULTS = { contentMode: 'structured', headers: {}, auth: {}, handshake: 'exempt' } as const;

interface Handshake {
  state: string;
  origin?: string;
  requestedRatePerMinute?: number;
}

export const webhookKind: Kind = {
  name: 'webhook',
  path: '/v1/webhooks',
  list: 'webhooks',
  columns: [
    { title: 'name', of: ({ name }) => String(name) },
    { title: 'state', of: ({ state }) => String(state) },
    { title: 'delivered', of: (view) => statistic(view, 'delivered'), align: 'right' },
    { title: 'failed', of: (view) => statistic(view, 'failedAttempts'), align: 'right' },
    { title: 'last', of: (view) => statistic(view, 'lastStatus') },
    { title: 'queue', of: ({ name, queue }) => (queue === name ? '' : String(queue)) },
    { title: 'url', of: ({ url }) => String(url) },
  ],
  nameOf: ({ name }) => String(name),
  async specOf(view, read) {
    const isOwn = view['queue'] === view['name'];
    const queue = isOwn ? await read(`/v1/queues/${String(view['name'])}`) : undefined;
    return {
      url: view['url'],
      ...(queue === undefined ? { queue: view['queue'] } : queueSpec(queue)),
      ...pick(view, ['contentMode', 'headers', 'auth', 'delivery']),
      handshake: handshakeSpec(view['handshake'] as Handshake),
      paused: view['paused'],
      // Masked: for comparing with those of a file; an export leaves them out.
      secrets: (view['secrets'] as Spec[]).map(({ secret, expiresAt }) => ({
        secret,
        ...(expiresAt === undefined ? {} : { expiresAt }),
      })),
    };
  },
  whole(wanted, present) {
    const { delivery, ...rest } = wanted;
    return {
      ...DEFAULTS,
      paused: present?.['paused'] ?? false,
      ...(rest['queue'] === undefined ? wholeQueue(rest, present) : rest),
      delivery: { ...DELIVERY, ...(delivery as Spec | undefined) },
    };
  },
  onlyNew: ['start'],
};

function handshakeSpec({ state, origin, requestedRatePerMinute }: Handshake): unknown {
  if (state === 'exempt' || origin === undefined) return 'exempt';
  return { origin, ...(requestedRatePerMinute === undefined ? {} : { ratePerMinute: requestedRatePerMinute }) };
}

function statistic(view: View, name: string): string | undefined {
  const value = (view['statistics'] as View | undefined)?.[name];
  return value === undefined ? undefined : textOf(value);
}
