import type { z } from 'zod';
import { topicOfType } from '@heddle/event';
import type { FilterExpression } from '../filters/filter.js';
import type { WebhookView } from '../protocols/webhook/webhook-view.js';
import type { webhookShape } from '../protocols/webhook/webhook.shape.js';
import type { EventsSubscription, MessagingSubscription, SecuritySchema } from './subscription.shape.js';

/** What a subscription comes to as a webhook. */
export type WebhookAsked = z.input<typeof webhookShape>;

/** The credentials of a webhook, by those of a subscription. */
export function authOf(security: SecuritySchema | undefined): NonNullable<WebhookAsked['auth']> {
  switch (security?.type) {
    case undefined:
      return {};
    case 'oauth2': {
      const { tokenUrl, clientId, scope } = security;
      const shown =
        'key' in security
          ? { mtls: { certificate: security.certificate, privateKey: security.key } }
          : { clientSecret: security.clientSecret };
      return { oauth2: { tokenUrl, clientId, ...shown, ...(scope === undefined ? {} : { scope }) } };
    }
    case 'basic':
      return { basic: { user: security.user, password: security.password } };
    case 'apiKey':
      return { apiKey: { header: security.header, value: security.value } };
    case 'certificate':
      return { mtls: { certificate: security.certificate, privateKey: security.key } };
  }
}

/** Of credentials, what may be shown again. */
export function shownSecurity(security: SecuritySchema): Record<string, unknown> {
  switch (security.type) {
    case 'oauth2': {
      if ('key' in security) {
        const { key: _key, ...shown } = security;
        return shown;
      }
      const { clientSecret: _secret, ...shown } = security;
      return shown;
    }
    case 'basic':
      return { type: security.type, user: security.user };
    case 'apiKey':
      return { type: security.type, header: security.header };
    case 'certificate':
      return { type: security.type, certificate: security.certificate };
  }
}

/** @param origin by which a receiver that is asked for its consent knows us */
export function webhookOfMessaging({ address, qos, pushConfig }: MessagingSubscription, origin: string): WebhookAsked {
  const { endpoint, exemptHandshake, defaultContentType, securitySchema } = pushConfig;
  return {
    url: endpoint,
    queue: address.slice('queue:'.length),
    contentMode: 'raw',
    ...(defaultContentType === undefined ? {} : { defaultContentType }),
    auth: authOf(securitySchema),
    handshake: exemptHandshake ? 'exempt' : { origin },
    delivery: { atMostOnce: qos === 0 },
  };
}

/**
 * Types that nobody has registered are wanted by their topic: what is published of them is kept as it is, and known by
 * that alone.
 */
export function webhookOfEvents(subscription: EventsSubscription, origin: string, namespace: string): WebhookAsked {
  const { events, webhookUrl, webhookAuth, qos, exemptHandshake, contentMode } = subscription;
  const types = [...new Set(events.map(({ type }) => type))];
  return {
    url: webhookUrl,
    types,
    topicPatterns: types.map((type) => topicPatternOf(type, namespace)),
    order: 'none',
    filter: filterOf(events),
    contentMode: contentMode === 'BINARY' ? 'binary' : 'structured',
    auth: authOf(webhookAuth),
    handshake: exemptHandshake ? 'exempt' : { origin },
    delivery: { atMostOnce: qos === 'AT_MOST_ONCE' },
  };
}

function topicPatternOf(type: string, namespace: string): string {
  const isPrefix = type.endsWith('*');
  const named = type.replace(/[.]?[*]$/, '');
  if (named === '') return `${namespace}/ce/*`;
  return `${topicOfType(named, namespace)}${isPrefix ? '/*' : ''}`;
}

function filterOf(events: EventsSubscription['events']): FilterExpression[] {
  if (events.every(({ source }) => source === undefined || source === '*')) return [];
  const alternatives = events.map(({ source, type }): FilterExpression => {
    const ofType: FilterExpression = type.endsWith('*') ? { prefix: { type: type.slice(0, -1) } } : { exact: { type } };
    return source === undefined || source === '*' ? ofType : { all: [ofType, { exact: { source } }] };
  });
  return alternatives.length === 1 ? alternatives : [{ any: alternatives }];
}

const HANDSHAKES = {
  exempt: 'Exempted',
  asking: 'Requested',
  // Its consent may come later, by the link that it was sent; who waits for an answer has had it.
  pending: 'Failed',
  granted: 'Completed',
  refused: 'Failed',
  expired: 'Failed',
} as const;

const STANDSTILLS: Partial<Record<WebhookView['state'], string>> = {
  paused: 'paused by hand',
  'no-consent': 'the endpoint has not agreed to be delivered to',
  unreadable: 'its credentials cannot be read: no master key opens them',
};

/** Why the endpoint is not delivered to, as far as its answer says. */
function consentReason(state: WebhookView['state'], handshake: WebhookView['handshake']): string | undefined {
  if (state !== 'no-consent') return undefined;
  const words = STANDSTILLS['no-consent']!;
  if (handshake.state === 'pending') return `${words}: its answer to OPTIONS had no WebHook-Allowed-Origin`;
  return handshake.reason === undefined ? undefined : `${words}: ${handshake.reason}`;
}

/** How a subscription is doing, in the words of SAP Event Mesh. */
export function statusOf({ state, handshake, disabled, statistics }: WebhookView): Record<string, unknown> {
  const reason = disabled?.reason ?? consentReason(state, handshake) ?? STANDSTILLS[state];
  const { lastSuccessAt, lastFailureAt, lastFailure } = statistics ?? {};
  return {
    handshakeStatus: HANDSHAKES[handshake.state],
    // What the endpoint has stopped itself, by a 410, is resumed like what was paused.
    subscriptionStatus: state === 'paused' || state === 'disabled' ? 'Paused' : 'Active',
    ...(reason === undefined ? {} : { subscriptionStatusReason: reason }),
    ...(lastSuccessAt === undefined ? {} : { lastSuccessfulDelivery: lastSuccessAt }),
    ...(lastFailureAt === undefined ? {} : { lastFailedDelivery: lastFailureAt }),
    ...(lastFailure === undefined ? {} : { lastFailedDeliveryReason: lastFailure }),
  };
}
