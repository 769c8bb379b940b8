import { serviceSettings } from '@heddle/mesh';
import { defineSettings } from '@heddle/runtime';
import { z } from 'zod';

const MEBIBYTE = 1024 * 1024;

/** Every setting of contract. */
export const settings = defineSettings({
  ...serviceSettings({ name: 'contract', port: 8103 }),
  limitDocumentBytes: {
    env: 'HEDDLE_LIMIT_DOCUMENT_BYTES',
    schema: z.coerce
      .number('must be a number')
      .int('must be a whole number')
      .min(1024)
      .max(1024 * MEBIBYTE)
      .default(20 * MEBIBYTE),
    about: 'bytes of a document of a business object at most',
  },
});
