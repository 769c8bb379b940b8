import { z } from 'zod';

const MAX_TEXT = 4096;
const MAX_EVENTS = 100;

/** What queues and subscriptions are named. */
export const QUEUE_NAMED = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,108}(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]{0,108}){0,19}$/;

const name = z.string().max(164).regex(QUEUE_NAMED, 'must be segments of letters, digits and ._- between slashes');
const text = z.string().min(1).max(MAX_TEXT);
const secret = text.describe('never shown again');
const url = z
  .string()
  .max(MAX_TEXT)
  .regex(/^https?:\/\/[A-Za-z0-9.:[\]-]+(?:[/?][!-~]*)?$/, 'must be an http or https URL')
  .describe('an http or https URL');

const oauth2Fields = {
  type: z.literal('oauth2'),
  grantType: z.literal('client_credentials').default('client_credentials'),
  clientId: text,
  tokenUrl: url,
  scope: text.optional(),
};

const certificateFields = { certificate: z.string().max(64 * 1024), key: z.string().max(64 * 1024) };

/** What a receiver is shown to be let in. `type` says which of the fields are looked at. */
const securityShape = z
  .union([
    z.strictObject({ ...oauth2Fields, clientSecret: secret }),
    z.strictObject({ ...oauth2Fields, ...certificateFields }),
    z.strictObject({ type: z.literal('basic'), user: text, password: secret }),
    z.strictObject({ type: z.literal('apiKey'), header: text, value: secret }),
    z.strictObject({ type: z.literal('certificate'), ...certificateFields }),
  ])
  .describe(
    'how the receiver lets us in: OAuth 2.0 client credentials (a secret, or a certificate and its key), Basic, an API key or a client certificate',
  );

export type SecuritySchema = z.output<typeof securityShape>;

/** The body of `POST /messagingrest/v1/subscriptions`. */
export const messagingSubscriptionShape = z.strictObject({
  name,
  address: z
    .string()
    .regex(/^queue:.+$/, 'must be queue:<name>')
    .describe('the queue that is worked off, as queue:<name>'),
  qos: z.literal([0, 1]).default(1),
  pushConfig: z.strictObject({
    type: z.literal('webhook').default('webhook'),
    endpoint: url,
    exemptHandshake: z.boolean().default(false),
    defaultContentType: text.optional(),
    securitySchema: securityShape.optional(),
  }),
});

export type MessagingSubscription = z.output<typeof messagingSubscriptionShape>;

/** The body of `POST /sap/ems/v1/events/subscriptions`. */
export const eventsSubscriptionShape = z.strictObject({
  name,
  events: z
    .array(
      z.strictObject({
        source: text.optional().describe('any, when left out or *'),
        type: z
          .string()
          .max(100)
          .regex(
            /^(?:[A-Za-z0-9_-]+(?:[.][A-Za-z0-9_-]+){0,15}(?:[.][*])?|[*])$/,
            'must be an event type, or one with .* at its end',
          )
          .describe('exact, or with * at its end'),
      }),
    )
    .min(1)
    .max(MAX_EVENTS),
  webhookUrl: url,
  webhookAuth: securityShape.optional(),
  qos: z.enum(['AT_MOST_ONCE', 'AT_LEAST_ONCE']).default('AT_LEAST_ONCE'),
  exemptHandshake: z.boolean().default(false),
  contentMode: z.enum(['BINARY', 'STRUCTURED']).default('BINARY'),
});

export type EventsSubscription = z.output<typeof eventsSubscriptionShape>;

/** The body of `PATCH /sap/ems/v1/events/subscriptions/{name}`: nothing but the credentials can be changed. */
export const patchShape = z.strictObject({ webhookAuth: securityShape });

/** The body of `PUT …/subscriptions/{name}/state`. */
export const stateShape = z.strictObject({ action: z.enum(['pause', 'resume']) });

const handshakeStatus = z.enum(['Not Initiated', 'Requested', 'Completed', 'Failed', 'Exempted']);
const statusFields = {
  handshakeStatus,
  subscriptionStatus: z.enum(['Active', 'Paused']),
  subscriptionStatusReason: z.string().optional().describe('why nothing is delivered'),
  lastSuccessfulDelivery: z.string().optional(),
  lastFailedDelivery: z.string().optional(),
  lastFailedDeliveryReason: z.string().optional(),
};
const shownSecurity = z.looseObject({ type: z.string() }).optional().describe('without what is secret of it');

/** A subscription of `/messagingrest/v1`, as it is shown. */
export const messagingViewShape = z.object({
  name: z.string(),
  address: z.string(),
  qos: z.int(),
  pushConfig: z.object({
    type: z.literal('webhook'),
    endpoint: z.string(),
    exemptHandshake: z.boolean(),
    defaultContentType: z.string().optional(),
    securitySchema: shownSecurity,
  }),
  ...statusFields,
});

/** A subscription of `/sap/ems/v1`, as it is shown. */
export const eventsViewShape = z.object({
  name: z.string(),
  events: z.array(z.object({ source: z.string().optional(), type: z.string() })),
  webhookUrl: z.string(),
  webhookAuth: shownSecurity,
  qos: z.string(),
  exemptHandshake: z.boolean(),
  contentMode: z.string(),
  ...statusFields,
});
