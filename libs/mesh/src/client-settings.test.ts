import { expect, it } from 'vitest';
import { createMesh } from './create-mesh.js';

it.each([
  ['HEDDLE_CLIENT_SECRET', 'HEDDLE_CLIENT_ID'],
  ['HEDDLE_CLIENT_ID', 'HEDDLE_CLIENT_SECRET'],
])(
  'a service that is told %s alone is told that %s is missing, before it connects to anything',
  async (set, missing) => {
    const environment = { [set]: 'x', LOG_LEVEL: 'silent' };
    await expect(createMesh({ name: 'credit', environment })).rejects.toMatchObject({
      code: 'setting-invalid',
      message: `HEDDLE_CLIENT_ID and HEDDLE_CLIENT_SECRET go together, and ${missing} is not set.`,
    });
  },
);
