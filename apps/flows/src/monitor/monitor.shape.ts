import { z } from 'zod';
import { MESSAGE_STATES, type MessageEntry } from './message-entry.js';

const PAGE = 50;

export const messagesQuery = z.strictObject({
  flow: z.string().min(1).optional(),
  state: z.enum(MESSAGE_STATES, `must be ${MESSAGE_STATES.join(', ')}`).optional(),
  message: z.string().min(1).optional().describe('the id of a message, as its receiver has it'),
  since: z.iso.datetime({ offset: true }).optional().describe('received at this time or later'),
  until: z.iso.datetime({ offset: true }).optional().describe('received before this time'),
  limit: z.coerce.number().int().min(1).max(PAGE).default(PAGE).describe('entries of a page'),
  cursor: z.uuid().optional().describe('the `next` of the page before'),
});

export type MessagesQuery = z.output<typeof messagesQuery>;

export const messageShape = z.object({
  id: z.string().describe('of the entry'),
  flow: z.string(),
  message: z.string().describe('the id of the message, which its receiver gets as idempotency-key'),
  source: z.string(),
  state: z.enum(MESSAGE_STATES),
  receivedAt: z.string(),
  changedAt: z.string(),
  dueAt: z.string().optional().describe('when it is tried again'),
  attempts: z.int().describe('of this cycle; a retry by hand begins another'),
  retriedByHand: z.int(),
  cancelling: z.string().optional().describe('the client that wants it cancelled, which happens when it comes again'),
  error: z.string().optional(),
  answer: z
    .object({ status: z.int(), excerpt: z.string().optional() })
    .optional()
    .describe('the last one of the receiver; status 0 where none came'),
  steps: z
    .array(z.object({ name: z.string(), ms: z.number(), error: z.string().optional() }))
    .describe('of the last attempt'),
});

export type MessageView = z.infer<typeof messageShape>;

export const messagesShape = z.object({ messages: z.array(messageShape), next: z.string().optional() });

export const flowsShape = z.object({
  flows: z.array(
    z.object({
      name: z.string(),
      about: z.string().optional(),
      from: z.string(),
      steps: z.array(z.string()),
      to: z.string(),
      running: z.boolean(),
      ended: z.string().optional().describe('why nothing comes any more'),
      messages: z.partialRecord(z.enum(MESSAGE_STATES), z.int()).describe('how many are in each state'),
    }),
  ),
});

/** An entry as it is shown. */
export function viewOf(entry: MessageEntry): MessageView {
  const { id, flow, message, source, state, receivedAt, changedAt, dueAt, attempts, steps } = entry;
  const { error, answer, cancelledBy, redrives } = entry;
  return {
    id,
    flow,
    message,
    source,
    state,
    receivedAt: new Date(receivedAt).toISOString(),
    changedAt: new Date(changedAt).toISOString(),
    ...(dueAt === undefined || state !== 'retry' ? {} : { dueAt: new Date(dueAt).toISOString() }),
    attempts,
    retriedByHand: redrives,
    ...(cancelledBy === undefined || (state !== 'processing' && state !== 'retry') ? {} : { cancelling: cancelledBy }),
    ...(error === undefined ? {} : { error }),
    ...(answer === undefined ? {} : { answer }),
    steps,
  };
}
