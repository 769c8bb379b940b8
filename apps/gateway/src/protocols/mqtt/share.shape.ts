import { z } from 'zod';

const group = {
  client: z.string().describe('whose sessions are the members'),
  group: z.string().min(1).max(100),
  filter: z.string().min(1).max(256).describe('the topic filter, without `$share` and the group'),
};

/** The body of `POST /v1/tenants/{tenant}/queues/{name}/group`. */
export const groupShape = z.discriminatedUnion('what', [
  z.strictObject({
    what: z.literal('join'),
    ...group,
    namespace: z.string(),
    permissions: z.array(z.string()).describe('of the client: what its queue may have is what it may have'),
  }),
  z.strictObject({ what: z.literal('leave'), ...group }),
]);

export type GroupChange = z.infer<typeof groupShape>;
