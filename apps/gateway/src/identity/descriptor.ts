import { z } from 'zod';

const PLACEHOLDER = '${namespace}';
const NAMESPACE_SEGMENTS = 3;
const MAX_FILTERS = 40;

const filters = z
  .array(
    z
      .string()
      .min(1)
      .max(256)
      .regex(
        /^(?:[$][{]namespace[}]|[A-Za-z0-9._+-]+)(?:\/[A-Za-z0-9._+-]+)*(?:\/[*])?$|^[*]$/,
        'must be segments separated by slashes, + for a whole one, * as the last one, and ${namespace} in front at most',
      ),
  )
  .max(MAX_FILTERS)
  .optional();
const ruleShape = z.strictObject({ publishFilter: filters, subscribeFilter: filters });

/**
 * How a message client of SAP Event Mesh is described: what it is named, the namespace that is its own, and what it may
 * publish and consume. Fields that say nothing of that are taken, for descriptors are handed on whole.
 */
export const descriptorShape = z
  .looseObject({
    emname: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,100}$/, 'must be 1 to 100 letters, digits, hyphens and underscores')
      .describe('up to 100 letters, digits, hyphens and underscores'),
    version: z.string().max(32).optional(),
    namespace: z
      .string()
      .max(63)
      .regex(/^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+){2}$/, 'must be three segments, as acme/sales/prod')
      .describe('three segments: its own, whatever tenant it is in'),
    options: z
      .looseObject({
        management: z.boolean().optional().describe('whether it makes and deletes the queues of its rules'),
        messagingrest: z
          .boolean()
          .optional()
          .describe('taken and not looked at: every door is open to what the rules allow'),
        messaging: z.boolean().optional().describe('the same'),
      })
      .optional(),
    rules: z
      .strictObject({ topicRules: ruleShape.optional(), queueRules: ruleShape.optional() })
      .optional()
      .describe('what is in no filter is denied; ${namespace} stands for the own namespace'),
  })
  .describe('a message client of SAP Event Mesh, in place of `permissions` and `namespace`');

export type Descriptor = z.output<typeof descriptorShape>;

/**
 * What a descriptor comes to as permissions. A filter over topics of event types is one over these types, too: their
 * topics are theirs, in whatever namespace.
 */
export function permissionsOf({ namespace, options, rules }: Descriptor): string[] {
  const { topicRules = {}, queueRules = {} } = rules ?? {};
  const named = (given: readonly string[] | undefined): string[] =>
    (given ?? []).map((filter) => filter.replace(PLACEHOLDER, namespace));
  const ofTopics = (verb: 'publish' | 'consume', given: readonly string[] | undefined): string[] =>
    named(given).flatMap((filter) => {
      const types = typePatternOf(filter);
      return [`${verb}:topic:${filter}`, ...(types === undefined ? [] : [`${verb}:type:${types}`])];
    });
  const publishTo = named(queueRules.publishFilter);
  const consumeFrom = named(queueRules.subscribeFilter);
  const managed = options?.management === true ? [...publishTo, ...consumeFrom] : [];
  return [
    ...new Set([
      ...ofTopics('publish', topicRules.publishFilter),
      ...ofTopics('consume', topicRules.subscribeFilter),
      ...publishTo.map((filter) => `publish:queue:${filter}`),
      ...consumeFrom.map((filter) => `consume:queue:${filter}`),
      ...managed.map((filter) => `manage:queue:${filter}`),
    ]),
  ];
}

/** The event types whose topics, `<namespace>/ce/<type with slashes>`, a filter selects; nothing where it selects none. */
export function typePatternOf(filter: string): string | undefined {
  const segments = filter.split('/');
  const rest = segments.at(-1) === '*' ? segments.length - 1 : Infinity;
  // The star begins within the namespace, or takes the place of `ce`.
  if (rest <= NAMESPACE_SEGMENTS) return '*';
  const [marker, ...type] = segments.slice(NAMESPACE_SEGMENTS);
  if (marker !== 'ce' && marker !== '+') return undefined;
  return type.length === 0 ? undefined : type.join('.');
}
