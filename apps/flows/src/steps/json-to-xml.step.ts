import { HeddleError } from '@heddle/event';
import { z } from 'zod';
import { jsonToXml } from './json-to-xml.js';
import { step } from './step.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

export const jsonToXmlStep = step({
  name: 'json-to-xml',
  shape: z.strictObject({
    addRoot: z.string().min(1).optional().describe('name of an element around everything'),
  }),
  make: (options) => (message) => ({
    ...message,
    contentType: 'application/xml; charset=utf-8',
    body: Buffer.from(jsonToXml(parsed(message.body), options)),
  }),
});

type Reviver = (key: string, value: unknown, context: { source: string }) => unknown;
const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;

/** Numbers stay as they were written: a double has not all digits that there may be, nor the noughts of an amount. */
function parsed(body: Uint8Array): unknown {
  try {
    return parse(utf8.decode(body), (_key, value, { source }) => (typeof value === 'number' ? source : value));
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new HeddleError('data-invalid', 'The message is nested too deep.', { cause });
    throw new HeddleError('body-invalid', 'The message is no JSON in UTF-8.', { cause });
  }
}
