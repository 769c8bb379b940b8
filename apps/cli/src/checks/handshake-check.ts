import { EXIT } from '../exit-codes.js';
import { allOf } from '../manifests/names.js';
import { webhookKind } from '../manifests/webhook-kind.js';
import { type Check, failed, ok, skipped, unsure } from './check.js';

interface Webhook {
  name: string;
  url: string;
  state: 'active' | 'paused' | 'disabled' | 'no-consent' | 'unreadable';
  disabled?: { reason: string };
  handshake: { state: string; origin?: string; reason?: string };
  statistics?: { lastStatus?: string; failedAttempts: number; breaker?: string };
}

interface Trouble {
  detail: string;
  advice: string;
}

const HANDSHAKE_ADVICE: Readonly<Record<string, string>> = {
  asking: 'Is the receiver running, and does it answer OPTIONS at its URL with WebHook-Allowed-Origin?',
  pending:
    'The receiver answered OPTIONS without WebHook-Allowed-Origin: it has to allow the origin, or call the callback.',
  refused:
    'The receiver allows another origin: correct handshake.origin of the webhook, or the receiver; then resume it.',
  expired: 'The receiver did not consent for 7 days: correct it, then resume the webhook, which asks again.',
};

export const handshakeCheck: Check = {
  name: 'handshake',
  about: 'the receivers of webhooks consent, and take what they are sent',
  after: ['token'],
  exitCode: EXIT.failed.code,
  async look({ gateway }) {
    const webhooks = (await allOf(gateway, webhookKind)) as unknown as Webhook[];
    const troubles = webhooks.map(troubleOf).filter((trouble) => trouble !== undefined);
    if (troubles.length > 0) {
      return failed(
        troubles.map(({ detail }) => detail).join('; '),
        [...new Set(troubles.map(({ advice }) => advice))].join(' '),
      );
    }
    if (webhooks.length === 0) return skipped('there are no webhooks');
    const failing = webhooks.filter(({ statistics }) => statistics?.breaker === 'open');
    if (failing.length > 0) {
      const names = failing.map(({ name, statistics }) => `${name} (${statistics?.lastStatus ?? ''})`);
      return unsure(
        `receivers that fail: ${names.join(', ')}`,
        'heddle trace of an event, and GET /v1/attempts, show what they answer.',
      );
    }
    return ok(`${webhooks.length} ${webhooks.length === 1 ? 'webhook' : 'webhooks'}, none of which waits for consent`);
  },
};

function troubleOf({ name, url, state, disabled, handshake }: Webhook): Trouble | undefined {
  if (state === 'disabled') {
    return {
      detail: `${name} is disabled: ${disabled?.reason ?? ''}`,
      advice: 'Correct the receiver, then POST /v1/webhooks/{name}/resume.',
    };
  }
  if (state === 'unreadable') {
    return {
      detail: `${name}: no master key opens its secrets`,
      advice: 'The gateway needs the master key they were sealed under (HEDDLE_MASTER_KEY_FILE).',
    };
  }
  const advice = HANDSHAKE_ADVICE[handshake.state];
  if (advice === undefined) return undefined;
  const reason = handshake.reason === undefined ? '' : `: ${handshake.reason}`;
  return {
    detail: `the receiver of ${name} (${url}) has not consented to ${handshake.origin ?? ''}: ${handshake.state}${reason}`,
    advice,
  };
}
