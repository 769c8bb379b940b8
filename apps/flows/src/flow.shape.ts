import { queueNameProblem, suggestion, topicProblem } from '@heddle/event';
import { brokenRules } from '@heddle/runtime';
import { z } from 'zod';
import { steps } from './steps/steps.js';

const queueName = z.string('must be the name of a queue').superRefine((name, context) => {
  const problem = name === '' ? 'must be the name of a queue' : queueNameProblem(name);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});
const topicName = z.string('must be a topic').superRefine((name, context) => {
  const problem = topicProblem(name);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});
const NAME = /^[a-z][a-z0-9-]{0,62}$/;
const MAX_TIMES = 99;

const variable = z
  .string('must name an environment variable, such as ERP_PASSWORD')
  .regex(/^(?!HEDDLE_)[A-Z][A-Z0-9_]*$/, 'must name an environment variable, such as ERP_PASSWORD');
const named = z.string('must be a text').min(1, 'must not be empty');
const basic = z.strictObject({ user: named, passwordFrom: variable });
const milliseconds = (least: number, most: number) =>
  z.int('must be a whole number').min(least, `must be at least ${least}`).max(most, `must be at most ${most}`);

const stepsShape = z
  .array(
    z.unknown().transform((value, context) => {
      const [[name, options] = [], ...others] =
        typeof value === 'string' ? [[value, {}] as const] : Object.entries((value ?? {}) as Record<string, unknown>);
      if (name === undefined || others.length > 0) {
        context.addIssue({ code: 'custom', message: 'must be the name of a step, with its options if it has any' });
        return z.NEVER;
      }
      const step = steps.find((known) => known.name === name);
      if (step === undefined) {
        const hint = suggestion(
          name,
          steps.map((known) => known.name),
        );
        context.addIssue({ code: 'custom', message: `has no step called ${name}; ${hint}` });
        return z.NEVER;
      }
      const outcome = step.shape.safeParse(options ?? {});
      if (outcome.success) return { name, apply: step.make(outcome.data) };
      for (const { path, rule } of brokenRules(step.shape, outcome.error.issues)) {
        context.addIssue({ code: 'custom', message: rule, path: [name, ...path] });
      }
      return z.NEVER;
    }),
    'must be a list',
  )
  .default([]);

const httpShape = z.strictObject({
  path: z
    .string('must be a path such as /orders; it is answered under /http')
    .regex(/^(\/[A-Za-z0-9._~-]+)+$/, 'must be a path such as /orders; it is answered under /http')
    .refine((path) => !/\/\.\.?(\/|$)/.test(path), 'must have no dots as a segment'),
  auth: z
    .union([z.literal('token'), z.strictObject({ basic })], 'must be token, or basic with user and passwordFrom')
    .default('token'),
});

/** Names of header fields that say how the message is carried; the rest is the flow's to choose. */
const CARRYING = /^(host|content-(length|type|encoding)|transfer-encoding|connection|idempotency-key|authorization)$/i;

/** Whom the receiver is believed, and who this is to it. */
const tlsShape = z
  .strictObject({
    caFrom: variable.optional(),
    certificateFrom: variable.optional(),
    keyFrom: variable.optional(),
  })
  .superRefine(({ caFrom, certificateFrom, keyFrom }, context) => {
    const refuse = (message: string): void => context.addIssue({ code: 'custom', message });
    if ((certificateFrom === undefined) !== (keyFrom === undefined)) {
      refuse('must name certificateFrom and keyFrom together');
    } else if (caFrom === undefined && keyFrom === undefined) {
      refuse('must name caFrom, or certificateFrom and keyFrom');
    }
  });

const httpsShape = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'must be an https URL' }).optional(),
  urlFrom: variable.optional(),
  method: z.enum(['POST', 'PUT', 'PATCH'], 'must be POST, PUT or PATCH').default('POST'),
  headers: z
    .record(
      z
        .string()
        .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'is no name of a header')
        .refine((name) => !CARRYING.test(name), 'is set by the runner'),
      z.string('must be a text: put it in quotes').regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'is no value of a header'),
    )
    .default({}),
  credentials: z
    .union(
      [
        z.strictObject({ basic }),
        z.strictObject({ bearer: z.strictObject({ tokenFrom: variable }) }),
        z.strictObject({ header: z.strictObject({ name: named, valueFrom: variable }) }),
      ],
      'must be basic (user, passwordFrom), bearer (tokenFrom) or header (name, valueFrom)',
    )
    .optional(),
  tls: tlsShape.optional(),
  timeoutMs: milliseconds(100, 300_000).default(30_000),
});

const eventShape = z.strictObject({
  type: z.string('must be an event type of the catalogue').min(1),
  source: named.optional(),
});

const retryShape = z.strictObject({
  times: milliseconds(0, MAX_TIMES).default(5),
  firstMs: milliseconds(0, 3_600_000).default(1000),
  factor: z.number('must be a number').min(1, 'must be at least 1').max(10, 'must be at most 10').default(2),
  capMs: milliseconds(0, 86_400_000).default(60_000),
});

/** Where flows lead: one of these. */
const toShape = {
  queue: queueName.optional(),
  topic: topicName.optional(),
  event: eventShape.optional(),
  https: httpsShape.optional(),
};

/** A flow as a file declares it. */
export const flowShape = z
  .strictObject(
    {
      name: z.string('must be a text').regex(NAME, 'must be a-z, 0-9 and hyphens, beginning with a letter, 63 at most'),
      about: z.string().optional(),
      from: z.strictObject({ http: httpShape.optional(), queue: queueName.optional() }, 'must name http or queue'),
      steps: stepsShape,
      to: z.strictObject(toShape, `must name one of ${Object.keys(toShape).join(', ')}`),
      retry: retryShape.optional(),
    },
    'must be fields with their values: name, from, to, and steps and retry where they are needed',
  )
  .superRefine(({ from, to, retry }, context) => {
    const refuse = (path: string[], message: string): void => context.addIssue({ code: 'custom', path, message });
    if (Object.keys(from).length !== 1) refuse(['from'], 'must name one of http and queue');
    if (Object.keys(to).length !== 1) refuse(['to'], `must name one of ${Object.keys(toShape).join(', ')}`);
    const { https } = to;
    if (https !== undefined && (https.url === undefined) === (https.urlFrom === undefined)) {
      refuse(['to', 'https', 'url'], 'or urlFrom is needed, one of them');
    }
    if (from.http === undefined) return;
    // Whoever hands in by HTTP is answered once it is durable: beyond that, retries are a queue's.
    if (https !== undefined) refuse(['to', 'https'], 'needs a queue before it: what comes by http is first stored');
    if (retry !== undefined) refuse(['retry'], 'is for flows from a queue: whoever sends by http tries again itself');
  });

export type Flow = z.output<typeof flowShape>;
export type RetryRule = z.output<typeof retryShape>;
export type HttpSender = z.output<typeof httpShape>;
export type HttpsReceiverRule = z.output<typeof httpsShape>;
export type EventReceiverRule = z.output<typeof eventShape>;

export const DEFAULT_RETRY: RetryRule = retryShape.parse({});
