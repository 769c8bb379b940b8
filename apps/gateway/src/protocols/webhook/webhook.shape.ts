import { X509Certificate, createPrivateKey } from 'node:crypto';
import { z } from 'zod';
import { MAX_URL_LENGTH, normalUrl } from '../../network/receiver-url.js';
import { queueSettings } from './own-queue.shape.js';
import type { OwnQueueSettings } from '../../queues/queues.js';
import { isMasked } from './masked.js';
import { MAX_SECRETS, secretProblem } from './secrets.js';
import { DELIVERY_LIMITS } from './webhook.js';

const MAX_HEADERS = 32;
const MAX_QUEUE_NAME = 164;
const MAX_OVERLAP_SECONDS = 30 * 86_400;
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
/** Headers that the request itself, or what is promised of it, depends on. */
const RESERVED_HEADER =
  /^(?:accept-encoding|connection|content-.*|date|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|user-agent|webhook-.*|ce-.*|heddle-.*)$/i;
const DNS_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:[.][A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

const httpUrl = z
  .string()
  .max(MAX_URL_LENGTH)
  .refine((text) => normalUrl(text) !== undefined, 'must be an http or https URL without user, password and fragment')
  .overwrite((text) => normalUrl(text) ?? text);
const headerValue = z.string().max(4096).regex(HEADER_VALUE, 'must be printable ASCII without spaces at its ends');
const credential = z.string().min(1).max(4096);
const pem = z.string().max(64 * 1024);

const secretsShape = z
  .array(
    z.strictObject({
      secret: z
        .string()
        .superRefine((secret, context) => {
          const problem = isMasked(secret) ? undefined : secretProblem(secret);
          if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
        })
        .describe('whsec_ (v1) or whsk_ (v1a), or as a GET shows it, which keeps it'),
      expiresAt: z.iso.datetime({ offset: true }).optional(),
    }),
  )
  .min(1)
  .max(MAX_SECRETS)
  .refine((secrets) => secrets.some(({ expiresAt }) => expiresAt === undefined), 'must have one that does not expire');

const certificateShape = z
  .strictObject({ certificate: pem, privateKey: pem, ca: pem.optional() })
  .superRefine(({ certificate, privateKey, ca }, context) => {
    const problem = identityProblem(certificate, privateKey, ca);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: [problem.field], message: problem.rule });
  });

const authShape = z
  .strictObject({
    basic: z
      .strictObject({
        user: z
          .string()
          .max(256)
          .regex(/^[^:]*$/, 'must have no colon'),
        password: credential,
      })
      .optional(),
    apiKey: z
      .strictObject({
        header: z
          .string()
          .regex(HEADER_NAME, 'must be the name of a header')
          .refine((name) => !RESERVED_HEADER.test(name), 'is a reserved header'),
        value: headerValue.or(z.string().refine(isMasked)),
      })
      .optional(),
    oauth2: z
      .strictObject({
        tokenUrl: httpUrl,
        clientId: z.string().min(1).max(256),
        clientSecret: credential.optional(),
        mtls: certificateShape.optional().describe('shown to the authorization server in place of a secret'),
        scope: z.string().min(1).max(1024).optional(),
      })
      .refine(
        ({ clientSecret, mtls }) => (clientSecret === undefined) !== (mtls === undefined),
        'must have either a clientSecret or mtls',
      )
      .refine(
        ({ mtls, tokenUrl }) => mtls === undefined || tokenUrl.startsWith('https:'),
        'must have a tokenUrl of https, where a certificate is shown',
      )
      .optional()
      .describe('client credentials (RFC 6749 §4.4), by secret or by certificate (RFC 8705 §2)'),
    mtls: certificateShape
      .optional()
      .describe('a client certificate and its key, PEM; may stand beside one of the others'),
  })
  .refine(
    ({ basic, apiKey, oauth2 }) => [basic, apiKey, oauth2].filter((one) => one !== undefined).length <= 1,
    'must have at most one of basic, apiKey and oauth2',
  );

const deliveryShape = z.strictObject({
  ratePerSecond: z.number().positive().max(100_000).optional(),
  maxInFlight: z.int().min(1).max(DELIVERY_LIMITS.maxInFlight).default(64),
  timeoutMs: z.int().min(100).max(DELIVERY_LIMITS.timeoutMs).default(DELIVERY_LIMITS.timeoutMs),
  batch: z
    .strictObject({
      size: z.int().min(1).max(DELIVERY_LIMITS.batchSize),
      waitMs: z.int().min(0).max(DELIVERY_LIMITS.batchWaitMs),
    })
    .optional()
    .describe('several events in one request: as soon as there are size, or the first has waited for waitMs'),
  atMostOnce: z.boolean().optional().describe('one attempt: what fails is given up at once, into the dead letters'),
});

const handshakeShape = z.union([
  z.literal('exempt'),
  z.strictObject({
    origin: z.string().regex(DNS_NAME, 'must be a DNS name'),
    ratePerMinute: z.int().min(1).max(6_000_000).optional(),
  }),
]);

const headersShape = z
  .record(
    z
      .string()
      .regex(HEADER_NAME, 'must be the name of a header')
      .refine(
        (name) => !RESERVED_HEADER.test(name) && !/^authorization$/i.test(name),
        'is a reserved header; credentials stand in auth',
      ),
    headerValue.or(z.string().refine(isMasked)),
  )
  .refine((headers) => Object.keys(headers).length <= MAX_HEADERS, `must be at most ${MAX_HEADERS} headers`)
  .refine(
    (headers) => new Set(Object.keys(headers).map((name) => name.toLowerCase())).size === Object.keys(headers).length,
    'must name each header once',
  );

/** The body of `PUT /v1/webhooks/{name}`. What is left out is as if it had never been set, except the secrets. */
export const webhookShape = z
  .strictObject({
    url: httpUrl,
    queue: z
      .string()
      .min(1)
      .max(MAX_QUEUE_NAME)
      .optional()
      .describe(
        'an existing queue to read; without one the webhook brings its own, set up by the fields of a queue here',
      ),
    ...queueSettings,
    contentMode: z
      .enum(['binary', 'structured', 'raw'])
      .default('structured')
      .describe('how the CloudEvent is put into HTTP; raw is the message as it was published, with x-address'),
    defaultContentType: headerValue
      .max(256)
      .optional()
      .describe('of a raw message that was published without one; application/json when left out'),
    secrets: secretsShape
      .optional()
      .describe(
        'signing secrets; when left out those there are stay, and for a new webhook one is made and shown once',
      ),
    headers: headersShape.default({}).describe('further headers of every delivery'),
    auth: authShape.default({}).describe('what the receiver is shown to be let in'),
    delivery: deliveryShape.prefault({}),
    handshake: handshakeShape
      .default('exempt')
      .describe('CloudEvents HTTP WebHook: ask the receiver for consent first'),
    paused: z.boolean().optional().describe('as it is when left out; a new webhook is not'),
  })
  .superRefine((request, context) => {
    const settings = Object.keys(queueSettings).filter((name) => request[name as keyof typeof request] !== undefined);
    if (request.queue !== undefined && settings.length > 0) {
      const message = 'belongs to the queue that is named: change it there';
      context.addIssue({ code: 'custom', path: settings.slice(0, 1), message });
    }
    const { queue, types, topicPatterns } = request;
    if (queue === undefined && (types?.length ?? 0) === 0 && topicPatterns === undefined) {
      context.addIssue({ code: 'custom', path: ['types'], message: 'must be there where no queue is named' });
    }
    const key = request.auth.apiKey?.header.toLowerCase();
    if (key !== undefined && Object.keys(request.headers).some((name) => name.toLowerCase() === key)) {
      context.addIssue({ code: 'custom', path: ['auth', 'apiKey', 'header'], message: 'stands among headers, too' });
    }
    if (request.contentMode !== 'structured' && request.delivery.batch !== undefined) {
      context.addIssue({ code: 'custom', path: ['delivery', 'batch'], message: `has no ${request.contentMode} mode` });
    }
  });

export type WebhookRequest = z.infer<typeof webhookShape>;

/** What a webhook says about the queue it brings. */
export function queueSettingsOf(request: WebhookRequest): OwnQueueSettings {
  const named = Object.entries(request).filter(([name, value]) => name in queueSettings && value !== undefined);
  return Object.fromEntries(named) as OwnQueueSettings;
}

/** The body of `POST /v1/webhooks/{name}/secrets/rotate`. */
export const rotateShape = z
  .strictObject({
    kind: z.enum(['v1', 'v1a']).default('v1'),
    overlapSeconds: z
      .int()
      .min(0)
      .max(MAX_OVERLAP_SECONDS)
      .default(86_400)
      .describe('how long the secrets of this kind that there are go on signing'),
  })
  .prefault({});

export type RotateRequest = z.infer<typeof rotateShape>;

/** The body of `POST /v1/webhooks/{name}/test`. */
export const testShape = z
  .strictObject({
    id: z.string().min(1).max(4096).optional().describe('of a stored event'),
    type: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe('an event type of the catalogue, of which its example is sent'),
  })
  .refine(({ id, type }) => id === undefined || type === undefined, 'must have at most one of id and type')
  .prefault({});

export type TestRequest = z.infer<typeof testShape>;

function identityProblem(
  certificate: string,
  privateKey: string,
  ca: string | undefined,
): { field: string; rule: string } | undefined {
  const own = certificateOf(certificate);
  if (own === undefined) return { field: 'certificate', rule: 'must be a certificate in PEM' };
  if (Date.parse(own.validTo) <= Date.now()) return { field: 'certificate', rule: 'has expired' };
  if (ca !== undefined && certificateOf(ca) === undefined) return { field: 'ca', rule: 'must be certificates in PEM' };
  if (isMasked(privateKey)) return undefined;
  try {
    if (own.checkPrivateKey(createPrivateKey(privateKey))) return undefined;
  } catch {
    return { field: 'privateKey', rule: 'must be a private key in PEM, not encrypted' };
  }
  return { field: 'privateKey', rule: 'must be the key of the certificate' };
}

function certificateOf(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text);
  } catch {
    return undefined;
  }
}
