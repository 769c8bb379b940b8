import { serviceSettings } from '@heddle/mesh';
import { defineSettings, documentLimitSettings } from '@heddle/runtime';

/** Every setting of contract. */
export const settings = defineSettings({
  ...serviceSettings({ name: 'contract', port: 8103 }),
  ...documentLimitSettings,
});
