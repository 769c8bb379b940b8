import { z } from 'zod';

const text = z
  .string()
  .min(1)
  // oxlint-disable-next-line no-control-regex -- control characters are what it leaves out
  .regex(/^[^\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffe\uffff]*$/);
const reference = z.string().regex(/^(?:[A-Za-z0-9._~:/?#@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$/);

/** CloudEvents 1.0.2, "Type System": what else is text, a boolean or an integer of 32 bits; null counts as absent. */
const extension = z.union([text, z.literal(''), z.boolean(), z.int32(), z.null()]);

/** A CloudEvent in JSON, as it is published. */
export const eventShape = z
  .object({
    specversion: z.literal('1.0'),
    id: text,
    source: reference.describe('a URI reference'),
    type: text,
    subject: text.nullish().describe('the business key; may be left out, for the data says it'),
    time: z.iso.datetime({ offset: true }).nullish(),
    datacontenttype: z.enum(['application/json', 'application/avro']).nullish(),
    dataschema: z
      .string()
      .regex(/^[a-z]+:[A-Za-z0-9._~:/-]+$/)
      .nullish()
      .describe('an absolute URI; not looked at'),
    data: z.unknown().optional(),
  })
  .catchall(extension)
  .meta({
    description: 'a CloudEvent; extension attributes stand beside the named ones',
    propertyNames: { pattern: '^[a-z0-9]{1,64}$' },
    not: { required: ['sequence'] },
  });
